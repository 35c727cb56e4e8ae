package host

import (
	"bytes"
	"context"
	"testing"
	"time"

	"registrar/hostfuncs"
	"registrar/scripts/wasmbin"
)

// Instances of these begin where another one stood; those of the others are initialized one by one, since a table may
// change, or since nobody knows what became of the random data that they drew.
func TestWhichInstancesAreSaved(t *testing.T) {
	for name, want := range map[string]bool{
		"prefix-id": true, "counter": true, "rust-prefix-id": true, "c-id-and-secret": true, "id-and-secret": true,
		"go-prefix-id": true, "go-policy": true, "go-random": true,
		"counter-table": false, "go-seeded": false, "fail-initialize": false,
	} {
		t.Run(name, func(t *testing.T) {
			_, s := newTestScript(t, name, 1)
			if got := s.state != nil; got != want {
				t.Errorf("saved: %t, want %t", got, want)
			}
		})
	}
}

// Whatever a guest did to its memory and its globals, the next registration finds what the first one found.
func TestUsedInstancesAreMadeNew(t *testing.T) {
	for _, name := range []string{"counter", "id-and-secret", "rust-prefix-id", "go-random"} {
		t.Run(name, func(t *testing.T) {
			h, s := newTestScript(t, name, 1)
			first := newTestInstance(t, h, s)
			second := newTestInstance(t, h, s)
			for _, used := range []*instance{first, second} {
				for n := range 20 {
					if _, ok := used.module.Memory().Grow(uint32(n % 3)); !ok {
						t.Fatal("the memory does not grow")
					}
					memory := used.memory()
					for j := n * 1000; j < len(memory); j += 1 + n*1000 {
						memory[j] = 0xaa // poison: all of it, then a byte here and there, elsewhere each time
					}
					for _, g := range used.globals {
						g.Set(g.Get() + 1)
					}
					used.fuel.Set(1)
					used.calls.Set(1)
					if err := h.renew(used); err != nil {
						t.Fatal(err)
					}
					same(t, used, newTestInstance(t, h, s))
				}
			}
		})
	}
}

func newTestInstance(t *testing.T, h *Host, s *script) *instance {
	t.Helper()
	i, err := h.instantiate(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.module.Close(context.Background()) })
	return i
}

// same holds that nothing tells two instances apart but their random numbers.
func same(t *testing.T, a, b *instance) {
	t.Helper()
	memories := [2][]byte{bytes.Clone(a.memory()), bytes.Clone(b.memory())}
	if generators := a.script.state.generators; len(generators) > 0 {
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

// An instance that cannot be made what it was serves no other registration.
func TestUsedInstancesThatAreClosed(t *testing.T) {
	h, s := newTestScript(t, "counter", 1)
	for name, spoil := range map[string]func(*instance){
		"broken": func(i *instance) { i.broken = true },
		"open":   func(i *instance) { i.depth = 1 },
		"full": func(i *instance) {
			i.module.Memory().Grow(h.config.MemoryPages - i.module.Memory().Size()/wasmbin.PageSize)
		},
	} {
		i := newTestInstance(t, h, s)
		spoil(i)
		if h.renew(i) == nil {
			t.Errorf("%s: it is used again", name)
		}
	}
	table, s := newTestScript(t, "counter-table", 1)
	if table.renew(newTestInstance(t, table, s)) == nil {
		t.Error("a module that changes its table: it is used again")
	}
}

// The shelf gets back what was taken from it: the same instances, as good as new.
func TestUsedInstancesComeBack(t *testing.T) {
	h, s := newTestScript(t, "counter", 1)
	h.pool.open(s)
	awaitFull(t, s.shelf)
	seen := map[*instance]bool{}
	for range 50 {
		i, err := h.pool.take(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		seen[i] = true
		h.pool.give(i)
		awaitFull(t, s.shelf)
	}
	if len(seen) == 50 {
		t.Error("50 registrations took 50 instances, none of them twice")
	}
}

// What an instance is called by is kept with its native stack where that is small, and not while it is in use.
func TestFunctionsAreKept(t *testing.T) {
	h, s := newTestScript(t, "counter", 1)
	i := newTestInstance(t, h, s)
	name := s.steps[0]
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
	step(t, h, i, name)
	if i.kept[0].function != first || nativeStack(first) > maxKeptStack {
		t.Errorf("after a small step, its function is not kept, or has a stack of %d bytes", nativeStack(first))
	}
	deep, s := newTestScript(t, "fail-stack", 1)
	i = newTestInstance(t, deep, s)
	first = i.module.ExportedFunction(s.steps[0])
	i.keep(s.steps[0], first)
	fuel := int64(1_000_000)
	m := &meter{request: t.Context(), fuel: i.fuel, step: fuel, shared: &fuel, limit: time.Minute}
	if _, err := i.call(m, &hostfuncs.Call{}, s.steps[0]); err == nil || len(i.kept) != 1 || i.kept[0].function != nil {
		t.Fatalf("its calls nest too deep: got %v and %v", err, i.kept)
	}
	if i.keep(s.steps[0], first); i.kept[0].function != nil {
		t.Errorf("a function with a stack of %d bytes is kept", nativeStack(first))
	}
}

// What is quickly made new waits again as soon as it is given back.
func TestLightInstancesAreMadeNewAtOnce(t *testing.T) {
	h, s := newTestScript(t, "counter", 1)
	h.pool.open(s)
	awaitFull(t, s.shelf)
	h.pool.close() // nobody else makes it new
	for n := range 10 {
		i, err := h.pool.take(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		step(t, h, i, s.steps[0])
		h.pool.give(i)
		if n == 0 {
			continue // how long it takes is not known yet, so it is left to the worker; the next registration needs it before
		}
		if s.shelf.waiting() != 1 {
			t.Fatal("the instance is not on the shelf")
		}
	}
	if s.shelf.living != 1 {
		t.Errorf("there are %d instances, want the first one alone", s.shelf.living)
	}
}
