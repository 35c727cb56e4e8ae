package sandbox

import (
	"bytes"
	"context"
	"testing"
	"time"

	"registrar/hostfuncs"
	"registrar/scripts/wasmbin"
)

// The initialized state of a module is saved unless its table may change, or its use of random data is unknown.
func TestWhichInstancesAreSaved(t *testing.T) {
	for name, want := range map[string]bool{
		"prefix-id": true, "counter": true, "rust-prefix-id": true, "c-id-and-secret": true, "id-and-secret": true,
		"go-prefix-id": true, "go-policy": true, "go-random": true,
		"counter-table": false, "go-seeded": false, "fail-initialize-later": false,
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newTestModule(t, name, 1)
			if got := m.state != nil; got != want {
				t.Errorf("saved: %t, want %t", got, want)
			}
		})
	}
}

// A renewed instance has the initial memory and globals, whatever the guest has written.
func TestUsedInstancesAreMadeNew(t *testing.T) {
	for _, name := range []string{"counter", "id-and-secret", "rust-prefix-id", "go-random"} {
		t.Run(name, func(t *testing.T) {
			m, _ := newTestModule(t, name, 1)
			first := newTestInstance(t, m)
			second := newTestInstance(t, m)
			for _, used := range []*Instance{first, second} {
				for n := range 20 {
					if _, ok := used.guest.Memory().Grow(uint32(n % 3)); !ok {
						t.Fatal("the memory does not grow")
					}
					memory := used.memory()
					for j := n * 1000; j < len(memory); j += 1 + n*1000 {
						memory[j] = 0xaa // poison: first all bytes, then some, different ones each time
					}
					for _, g := range used.globals {
						g.Set(g.Get() + 1)
					}
					used.fuel.Set(1)
					used.calls.Set(1)
					if err := used.renew(); err != nil {
						t.Fatal(err)
					}
					same(t, used, newTestInstance(t, m))
				}
			}
		})
	}
}

func newTestInstance(t *testing.T, m *Module) *Instance {
	t.Helper()
	i, err := m.instantiate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.guest.Close(context.Background()) })
	return i
}

// same fails the test unless two instances have the same state, except for their random numbers.
func same(t *testing.T, a, b *Instance) {
	t.Helper()
	memories := [2][]byte{bytes.Clone(a.memory()), bytes.Clone(b.memory())}
	if generators := a.module.state.generators; len(generators) > 0 {
		if bytes.Equal(memories[0], memories[1]) {
			t.Error("two instances have the same random numbers")
		}
		for _, m := range memories {
			if err := generators.Seed(m, bytes.NewReader(make([]byte, 1024))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !bytes.Equal(memories[0], memories[1]) {
		t.Error("the memories are not the same")
	}
	for j := range a.globals {
		if a.globals[j].Get() != b.globals[j].Get() {
			t.Errorf("global %d: got %d, want %d", j, a.globals[j].Get(), b.globals[j].Get())
		}
	}
	if a.fuel.Get() != b.fuel.Get() || a.calls.Get() != b.calls.Get() {
		t.Error("fuel and calls are not the same")
	}
}

// An instance that cannot be restored is not used again.
func TestUsedInstancesThatAreClosed(t *testing.T) {
	m, _ := newTestModule(t, "counter", 1)
	for name, spoil := range map[string]func(*Instance){
		"broken": func(i *Instance) { i.broken = true },
		"open":   func(i *Instance) { i.depth = 1 },
		"full": func(i *Instance) {
			i.guest.Memory().Grow(m.sandbox.config.MemoryPages - i.guest.Memory().Size()/wasmbin.PageSize)
		},
	} {
		i := newTestInstance(t, m)
		spoil(i)
		if i.renew() == nil {
			t.Errorf("%s: it is used again", name)
		}
	}
	table, _ := newTestModule(t, "counter-table", 1)
	if newTestInstance(t, table).renew() == nil {
		t.Error("a module that changes its table: it is used again")
	}
}

// Used instances return to the shelf after they were renewed.
func TestUsedInstancesComeBack(t *testing.T) {
	m, _ := newTestModule(t, "counter", 1)
	keepReady(m)
	awaitFull(t, m.shelf)
	seen := map[*Instance]bool{}
	for range 50 {
		i, err := m.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen[i] = true
		i.Release()
		awaitFull(t, m.shelf)
	}
	if len(seen) == 50 {
		t.Error("50 registrations took 50 instances, none of them twice")
	}
}

// An instance keeps an exported function with its native stack if the stack is small, except while it is in use.
func TestFunctionsAreKept(t *testing.T) {
	m, name := newTestModule(t, "counter", 1)
	i := newTestInstance(t, m)
	first := i.function(name)
	i.keep(name, first)
	if i.function(name) != first {
		t.Error("a function that was kept is made again")
	}
	if i.function(name) == first {
		t.Error("a function that is in use is used again")
	}
	i.keep(name, first)
	if i.keep(name, first); len(i.kept) != 1 {
		t.Errorf("%d functions are kept under one name", len(i.kept))
	}
	step(t, i, name)
	if i.kept[0].function != first || i.stack.size(first) > maxKeptStack {
		t.Errorf("after a small step, its function is not kept, or has a stack of %d bytes", i.stack.size(first))
	}
	deep, name := newTestModule(t, "fail-stack", 1)
	i = newTestInstance(t, deep)
	first = i.guest.ExportedFunction(name)
	i.keep(name, first)
	fuel := int64(1_000_000)
	meter := &Meter{request: t.Context(), fuel: i.fuel, step: fuel, registration: &fuel, limit: time.Minute}
	if _, err := i.call(meter, &hostfuncs.Call{}, name); err == nil || len(i.kept) != 1 || i.kept[0].function != nil {
		t.Fatalf("its calls nest too deep: got %v and %v", err, i.kept)
	}
	if i.keep(name, first); i.kept[0].function != nil {
		t.Errorf("a function with a stack of %d bytes is kept", i.stack.size(first))
	}
}

// An instance that is quick to renew is ready when Release returns.
func TestLightInstancesAreMadeNewAtOnce(t *testing.T) {
	m, name := newTestModule(t, "counter", 1)
	keepReady(m)
	awaitFull(t, m.shelf)
	m.sandbox.Stop() // the worker must not make it new
	for n := range 10 {
		i, err := m.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		step(t, i, name)
		i.Release()
		if n == 0 {
			continue // the duration is not known yet, so the first renewal is left to the worker, or to Acquire
		}
		if m.shelf.waiting() != 1 {
			t.Fatal("the instance is not on the shelf")
		}
	}
	if m.shelf.living != 1 {
		t.Errorf("there are %d instances, want only the first one", m.shelf.living)
	}
}
