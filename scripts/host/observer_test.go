package host_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

// A witness is an Observer that records its calls.
type witness struct {
	mu       sync.Mutex
	ends     []string // script, step, outcome, failure
	entered  []scripts.StepEnd
	events   map[scripts.InstanceEvent]int
	deployed map[string][]string
}

func (w *witness) StepEnded(script string, end scripts.StepEnd) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends = append(w.ends, fmt.Sprint(script, " ", end.Step, " ", end.Outcome, " ", end.Failure))
	if end.Entered {
		w.entered = append(w.entered, end)
	}
}

func (w *witness) Instance(_ string, event scripts.InstanceEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.events == nil {
		w.events = map[scripts.InstanceEvent]int{}
	}
	w.events[event]++
}

func (w *witness) Deployed(steps map[string][]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deployed = steps
}

func (w *witness) count(event scripts.InstanceEvent) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events[event]
}

func TestObserverStepEnded(t *testing.T) {
	t.Parallel()
	onePage := func(c *host.Config) { c.MemoryPages = 1 }
	hasty := func(c *host.Config) { c.StepTimeout = time.Nanosecond; c.StepFuel = 1 << 40 }
	away := func(c *host.Config) {
		c.ClientExists = func(context.Context, string) (bool, error) { return false, errors.New("away") }
	}
	unchanged := func(*host.Config) {}
	tests := []struct {
		name    string
		scripts []string
		change  func(*host.Config)
		want    []string
	}{
		{"done", []string{"wrap-id", "prefix-id"}, unchanged,
			[]string{"prefix-id add_client_id done ", "wrap-id add_client_id done "}},
		{"refused", []string{"refuse-silent"}, unchanged, []string{"refuse-silent add_client_id refused "}},
		{"trap", []string{"fail-trap"}, unchanged, []string{"fail-trap add_client_id failed trap"}},
		{"fuel", []string{"fail-spin"}, unchanged, []string{"fail-spin add_client_id failed fuel"}},
		{"depth", []string{"fail-stack"}, unchanged, []string{"fail-stack add_client_id failed depth"}},
		{"memory", []string{"fail-memory-grow"}, onePage, []string{"fail-memory-grow add_client_id failed memory"}},
		{"code", []string{"fail-code"}, unchanged, []string{"fail-code add_client_id failed contract"}},
		{"host function", []string{"fail-wrong-step"}, unchanged,
			[]string{"fail-wrong-step set_client_name failed contract"}},
		{"clock", []string{"fail-spin"}, hasty, []string{"fail-spin add_client_id failed clock"}},
		{"host", []string{"taken-then-free"}, away, []string{"taken-then-free add_client_id failed host"}},
		{"base", []string{"wrap-id", "fail-trap"}, unchanged,
			[]string{"fail-trap add_client_id failed trap", "wrap-id add_client_id aborted "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := &witness{}
			b := newBench(t, engine.Options{}, func(c *host.Config) { c.Observer = w }, tt.change)
			b.deployFixtures(tt.scripts...)
			_, err := b.register(minimal)
			if (err == nil) != (tt.name == "done") {
				t.Errorf("the registration: %v", err)
			}
			if diff := cmp.Diff(tt.want, w.ends); diff != "" {
				t.Errorf("want (-) and got (+):\n%s", diff)
			}
		})
	}
}

func TestObserverFuelEqualsDryRun(t *testing.T) {
	t.Parallel()
	w := &witness{}
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.Observer = w })
	b.deployFixtures("prefix-id")
	if diff := cmp.Diff(map[string][]string{"prefix-id": {"add_client_id"}}, w.deployed); diff != "" {
		t.Errorf("deployed, want (-) and got (+):\n%s", diff)
	}
	run, err := b.host.DryRun(t.Context(), b.engine, parsed(t, minimal), &engine.Caller{Auth: engine.AuthNone}, nil)
	if err != nil || len(w.ends) != 0 {
		t.Errorf("a dry run is counted: %v, %v", w.ends, err)
	}
	var fuel int64
	for _, s := range run.Steps {
		if s.Fuel != nil {
			fuel += *s.Fuel
		}
	}
	if _, err := b.register(minimal); err != nil {
		t.Fatal(err)
	}
	if len(w.entered) != 1 || w.entered[0].Fuel != fuel || fuel == 0 || w.entered[0].Elapsed <= 0 {
		t.Errorf("got %+v, want fuel %d", w.entered, fuel)
	}
}

func TestObserverInstance(t *testing.T) {
	t.Parallel()
	w := &witness{}
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.Observer = w; c.Pool = 2 })
	b.deployFixtures("prefix-id")
	await(t, "two instances", func() bool {
		return w.count(scripts.InstanceMade) >= 2 && b.host.Waiting()["prefix-id"] == 2
	})
	for range 50 {
		if _, err := b.register(minimal); err != nil {
			t.Fatal(err)
		}
	}
	if taken, missing := w.count(scripts.InstanceTaken), w.count(scripts.InstanceMissing); taken+missing != 50 ||
		taken == 0 {
		t.Errorf("%d registrations took an instance and %d found none: want 50 in all", taken, missing)
	}
	await(t, "a renewed instance", func() bool {
		if _, err := b.register(minimal); err != nil {
			t.Fatal(err)
		}
		return w.count(scripts.InstanceRenewed) > 0
	})
}

func parsed(t *testing.T, body string) *engine.Request {
	t.Helper()
	r, err := engine.ParseRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}
