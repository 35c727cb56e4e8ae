package sandbox

import (
	"context"
	"errors"
	"testing"
	"time"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts/wasmbin"
)

// newTestSandbox returns a sandbox that keeps pool instances of each module ready.
func newTestSandbox(t testing.TB, pool int) *Sandbox {
	t.Helper()
	s, err := New(t.Context(), Config{Steps: stepNames(), Pool: pool, StepTimeout: time.Minute,
		CacheFolder: wasmtest.Compiler.Cache, CompileCommand: wasmtest.Compiler.Command})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

func stepNames() []string {
	var names []string
	for _, step := range engine.StepTable() {
		names = append(names, step.Name)
	}
	return names
}

// newTestModule loads a fixture without a shelf. It returns the module and the name of its first step.
func newTestModule(t testing.TB, name string, pool int) (m *Module, step string) {
	t.Helper()
	s := newTestSandbox(t, pool)
	m = load(t, s, name, name)
	t.Cleanup(func() {
		s.Stop() // so that no instances of a closed module are made
		m.Close(context.Background())
	})
	return m, m.verdict.Steps[0]
}

// keepReady gives a module a shelf. The module is never retired.
func keepReady(m *Module) { m.KeepReady(func() bool { return true }, func() {}, func(error) {}) }

func awaitFull(t testing.TB, s *shelf) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !s.full(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited a minute in vain for the shelf to be full")
		}
	}
}

func TestShelfIsFilledAheadOfNeed(t *testing.T) {
	m, _ := newTestModule(t, "counter", 4)
	keepReady(m)
	awaitFull(t, m.shelf)
	seen := map[*Instance]bool{}
	for range 20 {
		i, err := m.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if seen[i] {
			t.Fatal("an instance was handed out twice")
		}
		seen[i] = true
		i.Close()
	}
	awaitFull(t, m.shelf)
	m.shelf.close()
	if !m.shelf.full() || m.shelf.waiting() != 0 {
		t.Error("instances are left on a closed shelf")
	}
	late, err := m.instantiate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m.shelf.add(late)
	if m.shelf.waiting() != 0 || !late.guest.IsClosed() {
		t.Error("an instance that came too late is kept")
	}
}

// If the maximum of instances is being made, Acquire waits until ctx ends.
func TestInstancesOnDemandAreCapped(t *testing.T) {
	m, _ := newTestModule(t, "counter", 1)
	for range cap(m.sandbox.pool.slots) {
		m.sandbox.pool.slots <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := m.Acquire(ctx); !errors.Is(err, ErrBusy) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	<-m.sandbox.pool.slots
	i, err := m.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i.Close()
}

// An instance does not see what another one left in a reused buffer.
func TestBuffersOfInstancesAreReused(t *testing.T) {
	m, _ := newTestModule(t, "counter", 1)
	for range 10 {
		i, err := m.instantiate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		memory, _ := i.guest.Memory().Read(0, i.guest.Memory().Size())
		for j := range memory {
			memory[j] = 0xaa
		}
		i.Close()
	}
	if kept := m.sandbox.buffers.Kept(); kept != wasmbin.PageSize {
		t.Errorf("%d bytes are kept, want the one page that ten instances had in turn", kept)
	}
	i, err := m.instantiate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	memory, _ := i.guest.Memory().Read(0, i.guest.Memory().Size())
	for j, v := range memory {
		if v == 0xaa {
			t.Fatalf("byte %d is another instance's", j)
		}
	}
}
