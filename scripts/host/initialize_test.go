package host_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/host"
)

// A module that was stored by a program without a trial is not put in force if its _initialize fails.
func TestDeployTriesTheInitialization(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	wasm := wasmtest.Wasm(t, "hostile/initialize-endless")
	stored := scripts.Module{Digest: scripts.Digest(wasm), Name: "endless", Size: len(wasm),
		Steps: []string{"set_scopes"}, CreatedAt: time.Now().UTC().Truncate(time.Microsecond)}
	if _, _, err := b.store.AddModule(t.Context(), stored, wasm); err != nil {
		t.Fatal(err)
	}
	list := []scripts.Script{{Name: "endless", Module: stored.Digest}}
	_, err := b.host.Deploy(t.Context(), scripts.Deployment{Scripts: list}, nil)
	rejected, ok := errors.AsType[*scripts.RejectedError](err)
	if !ok || !strings.Contains(rejected.Error(), "script endless: the module's _initialize fails") ||
		!strings.Contains(rejected.Error(), "it ran out of fuel (fuel used: 10000000") {
		t.Errorf("got %v, want a rejection that names the script and the reason", err)
	}
	if _, err := b.register(minimal); err != nil {
		t.Errorf("after the refused deployment: %v", err)
	}
}

// luck is a source of random bytes that returns 255 from a moment on, and no byte of 255 before.
type luck struct{ out atomic.Bool }

func (l *luck) Read(p []byte) (int, error) {
	rand.Read(p)
	for i := range p {
		if p[i] &= 0x7f; l.out.Load() {
			p[i] = 255
		}
	}
	return len(p), nil
}

// An _initialize that fails in a registration is reported as such, with its fuel and its lines of the log.
func TestInitializationFailsLater(t *testing.T) {
	t.Parallel()
	random, w := &luck{}, &witness{}
	b := newBench(t, engine.Options{}, func(c *host.Config) {
		c.Random, c.Observer, c.Pool = random, w, 1
	})
	sc := b.script("fail-initialize-later")
	b.deploy(sc)
	if want := []string{engine.StepAddClientID, "_initialize"}; !slices.Equal(w.deployed[sc.Name], want) {
		t.Errorf("the observer knows %v, want %v", w.deployed[sc.Name], want)
	}
	if _, err := b.register(minimal); err != nil {
		t.Fatal(err)
	}
	random.out.Store(true)
	var err error
	await(t, "a failure, when no ready instance is left", func() bool {
		_, err = b.register(minimal)
		return err != nil
	})
	w.mu.Lock()
	end := w.entered[len(w.entered)-1]
	last := w.ends[len(w.ends)-1]
	w.mu.Unlock()
	failure, ok := errors.AsType[*host.ScriptError](err)
	want := fmt.Sprintf("an unlucky byte (fuel used: %d)", end.Fuel)
	if !ok || failure.Step != "_initialize" || failure.Reason != want || end.Fuel < 1000 {
		t.Errorf("got %v with fuel %d, want a failure in _initialize: %s", err, end.Fuel, want)
	}
	if want := "fail-initialize-later _initialize failed trap"; last != want {
		t.Errorf("the observer was told %q, want %q", last, want)
	}
	if log := b.log.String(); !strings.Contains(log, "step=_initialize line=unlucky") {
		t.Errorf("the log lacks the line of _initialize:\n%s", log)
	}

	run, err := b.host.DryRun(t.Context(), b.engine, parsed(t, minimal), &engine.Caller{Auth: engine.AuthNone}, nil)
	if err != nil {
		t.Fatal(err)
	}
	traced := run.Steps[len(run.Steps)-1]
	if traced.Step != "_initialize" || traced.Script != sc.Name || traced.Outcome != scripts.OutcomeFailed ||
		traced.Fuel == nil || *traced.Fuel != end.Fuel || !slices.Equal(traced.Log, []string{"unlucky"}) {
		t.Errorf("a dry run ends with %+v", traced)
	}
}

// on_failure base covers the failure of _initialize.
func TestInitializationFailsLaterWithBase(t *testing.T) {
	t.Parallel()
	random := &luck{}
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.Random, c.Pool = random, 1 })
	sc := b.script("fail-initialize-later")
	sc.OnFailure = scripts.OnFailureBase
	b.deploy(sc)
	random.out.Store(true)
	await(t, "the base to run for a failed script", func() bool {
		if _, err := b.register(minimal); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(b.log.String(), "script failed, running the step that it replaced")
	})
	if log := b.log.String(); !strings.Contains(log, `step=_initialize reason="an unlucky byte (fuel used: `) {
		t.Errorf("the log does not name _initialize:\n%s", log)
	}
}

// The error of a script that exceeds its wall clock names the limit, and shows no stack.
func TestClockShowsNoStack(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.StepTimeout, c.StepFuel = time.Nanosecond, 1<<40 })
	sc := b.script("fail-spin")
	b.deploy(sc)
	_, err := b.register(minimal)
	want := fmt.Sprintf("script fail-spin (%s) in add_client_id: it ran longer than 1ns", sc.Module)
	if err == nil || !errors.Is(err, engine.ErrUnavailable) || !strings.HasSuffix(err.Error(), want) ||
		strings.Contains(err.Error(), "\n") {
		t.Errorf("got %q, want an end of %q", err, want)
	}
}

// A program's panic names its reason, and so does a trap after one.
func TestProgramsNameTheirPanic(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.deployFixtures("fail-panic-line")
	_, err := b.register(minimal)
	failure, ok := errors.AsType[*host.ScriptError](err)
	if !ok || failure.Reason != "panic: no host is allowed" {
		t.Errorf("got %v, want the line of the panic", err)
	}
}

// A reason is cut.
func TestReasonsAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.deployFixtures("fail-reason")
	_, err := b.register(minimal)
	failure, ok := errors.AsType[*host.ScriptError](err)
	if !ok || len(failure.Reason) != 1000+len("…") || !strings.HasSuffix(failure.Reason, "xxx…") ||
		strings.Contains(err.Error(), "0123456789") {
		t.Errorf("got %v, want 1,000 bytes of the reason, without the secret", err)
	}
}
