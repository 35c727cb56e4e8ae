package host

import (
	"context"
	"errors"
	"testing"
	"time"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/wasmbin"
)

// A library holds modules in a map, and no deployment.
type library map[string][]byte

func (l library) AddModule(_ context.Context, m scripts.Module, wasm []byte) (scripts.Module, bool, error) {
	l[m.Digest] = wasm
	return m, true, nil
}

func (l library) ModuleBytes(_ context.Context, digest string) ([]byte, error) {
	return l[digest], nil
}

func (library) AddDeployment(context.Context, scripts.Deployment, *int64) (scripts.Deployment, error) {
	return scripts.Deployment{}, scripts.ErrConflict
}

func (library) CurrentDeployment(context.Context) (scripts.Deployment, error) {
	return scripts.Deployment{}, nil
}

func (library) CurrentDeploymentNumber(context.Context) (int64, error) { return 0, nil }

func (library) Deployments(context.Context, int64, int) ([]scripts.Deployment, error) {
	return nil, nil
}

// newTestScript returns a host and a script of it that is loaded, without a shelf.
func newTestScript(t testing.TB, name string, pool int) (*Host, *script) {
	t.Helper()
	l := library{}
	h, err := New(t.Context(), Config{Modules: l, Deployments: l, Pool: pool, StepTimeout: time.Minute,
		CacheFolder: wasmtest.Compiler.Cache, CompileCommand: wasmtest.Compiler.Command})
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := h.Upload(t.Context(), name, wasmtest.Wasm(t, name), "")
	if err != nil {
		t.Fatal(err)
	}
	d, err := h.load(t.Context(), scripts.Deployment{Scripts: []scripts.Script{{Name: name, Module: m.Digest}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.pool.close() // it must not make instances of what is closed
		h.close(context.Background(), d)
		h.Close(context.Background())
	})
	return h, d.scripts[0]
}

func awaitFull(t testing.TB, s *shelf) {
	t.Helper()
	for !s.full() {
		if t.Context().Err() != nil {
			t.Fatal("the shelf is never full")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestShelfIsFilledAheadOfNeed(t *testing.T) {
	h, s := newTestScript(t, "counter", 4)
	h.pool.open(s)
	awaitFull(t, s.shelf)
	seen := map[*instance]bool{}
	for range 20 {
		i, err := h.pool.take(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if seen[i] {
			t.Fatal("an instance was handed out twice")
		}
		seen[i] = true
		i.close()
	}
	awaitFull(t, s.shelf)
	s.shelf.close()
	if !s.shelf.full() || s.shelf.waiting() != 0 {
		t.Error("instances are left on a closed shelf")
	}
	late, err := h.instantiate(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	s.shelf.add(late)
	if s.shelf.waiting() != 0 || !late.module.IsClosed() {
		t.Error("an instance that came too late is kept")
	}
}

// Beyond what may be made at a time, callers wait as long as they have time.
func TestInstancesOnDemandAreCapped(t *testing.T) {
	h, s := newTestScript(t, "counter", 1)
	for range cap(h.pool.slots) {
		h.pool.slots <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := h.pool.take(ctx, s); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	<-h.pool.slots
	i, err := h.pool.take(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	i.close()
}

// What an instance left in its memory is not there for the next one, although the buffer is used again.
func TestBuffersOfInstancesAreReused(t *testing.T) {
	h, s := newTestScript(t, "counter", 1)
	for range 10 {
		i, err := h.instantiate(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		memory, _ := i.module.Memory().Read(0, i.module.Memory().Size())
		for j := range memory {
			memory[j] = 0xaa
		}
		i.close()
	}
	if kept := h.buffers.Kept(); kept != wasmbin.PageSize {
		t.Errorf("%d bytes are kept, want the one page that ten instances had in turn", kept)
	}
	i, err := h.instantiate(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer i.close()
	memory, _ := i.module.Memory().Read(0, i.module.Memory().Size())
	for j, v := range memory {
		if v == 0xaa {
			t.Fatalf("byte %d is another instance's", j)
		}
	}
}
