package host

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"registrar/engine"
	"registrar/internal/guard"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/sandbox"
	"registrar/store"
)

// A faultyObserver panics where it is told to.
type faultyObserver struct {
	unobserved
	instance, step atomic.Bool
}

func (o *faultyObserver) Instance(_ string, event scripts.InstanceEvent) {
	if event == scripts.InstanceMade && o.instance.Load() {
		panic("an instance on purpose")
	}
}

func (o *faultyObserver) StepEnded(string, scripts.StepEnd) {
	if o.step.Load() {
		panic("a step on purpose")
	}
}

// newFaulty returns a host with a script in force, and how to register through it.
func newFaulty(t *testing.T, o *faultyObserver) (h *Host, g *guard.Guard, register func() error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := store.Open(t.Context(), store.Config{Database: "sqlite:" + path, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	logger := slog.New(slog.DiscardHandler)
	g = &guard.Guard{Logger: logger}
	h, err = New(t.Context(), Config{Modules: db, Deployments: db, Observer: o, Logger: logger, Config: sandbox.Config{
		StepTimeout: time.Minute, CacheFolder: wasmtest.Compiler.Cache, CompileCommand: wasmtest.Compiler.Command,
		Guard: g}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	if err := h.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{Store: db, Overrides: h.Overrides})
	if err != nil {
		t.Fatal(err)
	}
	return h, g, func() error {
		request, err := engine.ParseRequest([]byte(`{"redirect_uris":["https://app.example/cb"]}`))
		if err != nil {
			t.Fatal(err)
		}
		caught := g.Run(guard.Requests, func() {
			_, err = e.Register(t.Context(), request, &engine.Caller{Auth: engine.AuthNone})
		})
		return errors.Join(err, caught)
	}
}

func (h *Host) deployFixture(t *testing.T, name string) (*deployed, error) {
	t.Helper()
	m, _, err := h.Upload(t.Context(), name, wasmtest.Wasm(t, name), "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Deploy(t.Context(), scripts.Deployment{Scripts: []scripts.Script{{Name: name, Module: m.Digest}}}, nil)
	return h.current, err
}

func wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

// A panic over the instances of a script ends its deployment and nothing else: it counts as not loaded, registrations
// through it fail, and another deployment comes into force as usual.
func TestPanicOverInstances(t *testing.T) {
	o := &faultyObserver{}
	h, g, register := newFaulty(t, o)
	o.instance.Store(true)
	if _, err := h.deployFixture(t, "prefix-id"); err != nil {
		t.Fatal(err)
	}
	wait(t, "the deployment is not loaded", func() bool { return h.Ready() != nil })
	if err := h.Ready(); !strings.Contains(err.Error(),
		"script prefix-id: panic in instances: an instance on purpose") {
		t.Errorf("it is not ready for another reason: %v", err)
	}
	if number, loaded := h.Current(); loaded {
		t.Errorf("deployment %d is loaded", number)
	}
	if err := register(); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("registering: %v, want engine.ErrUnavailable", err)
	}
	if g.Panics(guard.Instances) != 1 {
		t.Errorf("%d panics are counted, want 1", g.Panics(guard.Instances))
	}
	if err := h.refresh(t.Context()); err == nil {
		t.Error("it is loaded again at once")
	}
	o.instance.Store(false)
	h.mu.Lock()
	h.broken.until = time.Now()
	h.mu.Unlock()
	if err := h.refresh(t.Context()); err != nil || h.Ready() != nil {
		t.Errorf("after the pause: %v, %v", err, h.Ready())
	}
	if err := register(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// A panic in a registration leaves nothing behind: no instance that is lent, no deployment that is held, and the next
// one runs.
func TestPanicInARegistration(t *testing.T) {
	o := &faultyObserver{}
	h, _, register := newFaulty(t, o)
	old, err := h.deployFixture(t, "prefix-id")
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "the pool is full", func() bool { return h.Waiting()["prefix-id"] == 16 })
	o.step.Store(true)
	for range 100 {
		if err := register(); err == nil || !strings.Contains(err.Error(), "a step on purpose") {
			t.Fatalf("got %v, want a panic", err)
		}
	}
	o.step.Store(false)
	if err := register(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	pins := func() int {
		h.mu.Lock()
		defer h.mu.Unlock()
		return old.pins
	}
	wait(t, "the deployment is no longer held", func() bool { return pins() == 0 })
	wait(t, "the pool is full again", func() bool { return h.Waiting()["prefix-id"] == 16 })
	if _, err := h.deployFixture(t, "id-and-secret"); err != nil {
		t.Fatal(err)
	}
	wait(t, "its instances are gone", func() bool { return old.scripts[0].module.Ready() == 0 })
}

// A panic while the deployment in force is looked up or loaded is an error like others.
func TestPanicWhileLoading(t *testing.T) {
	h, g, _ := newFaulty(t, &faultyObserver{})
	h.config.Deployments = nil
	if err := h.refresh(t.Context()); err == nil || h.Ready() == nil || g.Panics(guard.Deployments) != 1 {
		t.Errorf("got %v, %v and %d panics", err, h.Ready(), g.Panics(guard.Deployments))
	}
	if !h.loading.TryLock() {
		t.Error("the lock is held")
	}
}

// A worker that panics before its deployment is in force ends it too.
func TestPanicBeforeADeploymentIsInForce(t *testing.T) {
	h, _, register := newFaulty(t, &faultyObserver{})
	if _, err := h.deployFixture(t, "prefix-id"); err != nil {
		t.Fatal(err)
	}
	d, err := h.config.Deployments.CurrentDeployment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next, err := h.load(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	h.end(next, next.scripts[0], errors.New("an instance on purpose"))
	if err := h.Ready(); err != nil {
		t.Errorf("the deployment in force is not ready: %v", err)
	}
	h.mu.Lock()
	idle, err := h.inForce(next)
	h.mu.Unlock()
	if err == nil || !strings.Contains(err.Error(), "script prefix-id: an instance on purpose") || len(idle) == 0 {
		t.Errorf("got %d deployments to close and %v", len(idle), err)
	}
	if err := h.closeAll(t.Context(), idle); err != nil {
		t.Error(err)
	}
	if err := register(); !errors.Is(err, engine.ErrUnavailable) || h.Ready() == nil {
		t.Errorf("registering: %v, want engine.ErrUnavailable", err)
	}
}
