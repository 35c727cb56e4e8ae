package sandbox

import (
	"context"
	"errors"
	"sync"
	"testing"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts"
)

// load loads a fixture for a script of that name.
func load(t testing.TB, s *Sandbox, fixture, name string) *Module {
	t.Helper()
	wasm := wasmtest.Wasm(t, fixture)
	verdict, err := s.Inspect(wasm)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Load(t.Context(), name, verdict, wasm)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func closeModule(t testing.TB, m *Module) {
	t.Helper()
	if err := m.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

// checkInUse fails the test unless so many modules are loaded.
func checkInUse(t testing.TB, s *Sandbox, want int) {
	t.Helper()
	if n := len(s.inUse.byDigest); n != want {
		t.Errorf("%d modules are loaded, want %d", n, want)
	}
}

// Modules of the same bytes share what the first one has loaded, until the last one is closed.
func TestModulesShareWhatIsLoaded(t *testing.T) {
	t.Parallel()
	s := newTestSandbox(t, 1)
	first, second := load(t, s, "initialize", "one"), load(t, s, "initialize", "two")
	other := load(t, s, "counter", "one")
	if first.loaded != second.loaded || first.loaded == other.loaded {
		t.Error("the same bytes are loaded twice, or others are taken for them")
	}
	checkInUse(t, s, 2)
	for m, want := range map[*Module]string{first: "one", second: "two"} {
		i := newTestInstance(t, m)
		if lines := i.Log().Lines(); len(lines) != 1 || lines[0].Script != want || lines[0].Text != "initialized" {
			t.Errorf("script %s: the lines of _initialize are %+v", want, lines)
		}
		step(t, i, engine.StepAddClientID)
		i.Close()
	}
	closeModule(t, first)
	i := newTestInstance(t, second)
	step(t, i, engine.StepAddClientID)
	i.Close()
	closeModule(t, second)
	closeModule(t, other)
	checkInUse(t, s, 0)
	again := load(t, s, "initialize", "three")
	defer closeModule(t, again)
	if again.loaded == second.loaded {
		t.Error("what was closed is used again")
	}
}

// A module is loaded once, however many ask for it at a time, and is open as long as one of them uses it.
func TestModulesAreLoadedAndClosedAtOnce(t *testing.T) {
	t.Parallel()
	s := newTestSandbox(t, 2)
	t.Cleanup(s.Stop)
	fixtures := []string{"initialize", "counter-table"}
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for round := range 12 {
				fixture := fixtures[(n+round)%len(fixtures)]
				wasm := wasmtest.Wasm(t, fixture)
				verdict, err := s.Inspect(wasm)
				if err != nil {
					t.Error(err)
					return
				}
				m, err := s.Load(t.Context(), fixture, verdict, wasm)
				if err != nil {
					t.Error(err)
					return
				}
				i, err := m.Acquire(t.Context())
				if err != nil {
					t.Error(err)
				} else {
					step(t, i, engine.StepAddClientID)
					i.Release()
				}
				closeModule(t, m)
			}
		})
	}
	wg.Wait()
	checkInUse(t, s, 0)
	if n := len(s.inUse.loads.held); n != 0 {
		t.Errorf("%d locks are left", n)
	}
}

// Those who load a module while it is being refused get the same refusal, and nothing stays loaded.
func TestRefusedModulesAreNotShared(t *testing.T) {
	t.Parallel()
	s := newTestSandbox(t, 1)
	wasm := wasmtest.Wasm(t, "hostile/initialize-trap")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			_, err := s.Vet(t.Context(), wasm)
			if _, rejected := errors.AsType[*scripts.RejectedError](err); !rejected {
				t.Errorf("got %v, want a rejection", err)
			}
		})
	}
	wg.Wait()
	checkInUse(t, s, 0)
}

// After the worker has panicked over a module, the next load begins anew. Those that have it keep it open.
func TestModulesAreLoadedAnewAfterAPanic(t *testing.T) {
	t.Parallel()
	s := newTestSandbox(t, 1)
	first := load(t, s, "initialize", "one")
	var reported error
	first.shelf = &shelf{size: 1}
	first.failed = func(err error) { reported = err }
	s.pool.end(first, errors.New("a panic"))
	if reported == nil {
		t.Error("the panic is not reported")
	}
	second := load(t, s, "initialize", "one")
	if first.loaded == second.loaded {
		t.Error("the module is shared")
	}
	closeModule(t, first)
	checkInUse(t, s, 1)
	i := newTestInstance(t, second)
	step(t, i, engine.StepAddClientID)
	i.Close()
	closeModule(t, second)
	checkInUse(t, s, 0)
}
