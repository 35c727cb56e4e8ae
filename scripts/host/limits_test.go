package host_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

// A dry run and each registration of a replay have the time of a registration.
func TestRunsHaveTheTimeOfARegistration(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{}, func(c *host.Config) {
		c.RegistrationTimeout = 300 * time.Millisecond
		c.StepFuel, c.RegistrationFuel, c.StepTimeout = 1<<60, 1<<60, time.Minute
	})
	b.registerAll(minimal, minimal)
	list := []scripts.Script{b.script("fail-spin")}
	run := func(ctx context.Context) (scripts.DryRun, error) {
		return b.host.DryRun(ctx, b.engine, parsed(t, minimal), &engine.Caller{Auth: engine.AuthNone}, list)
	}
	got, err := run(t.Context())
	if err != nil || got.Outcome != scripts.OutcomeFailed {
		t.Errorf("dry run: got %s, %v, want failed", got.Outcome, err)
	}
	replay := b.replay(0, list)
	if replay.Failed != 2 {
		t.Errorf("replay: got %+v, want 2 failed", replay)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("without a caller: got %v, want %v", err, context.Canceled)
	}
}
