package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"registrar/scripts"
	"registrar/store"
)

// testModuleBounds adds modules until there is no room. What is refused leaves nothing, and what is deleted makes room.
func testModuleBounds(t *testing.T, database string) {
	s := openWith(t, store.Config{Database: database, MaxModules: 3, MaxModulesSize: 100})
	digest := mustAddModule(t, s, "one", strings.Repeat("2", 90))
	refused := func(wasm, bound string) {
		t.Helper()
		_, _, err := s.AddModule(t.Context(), newModule(wasm), []byte(wasm))
		if _, ok := errors.AsType[*scripts.RejectedError](err); !ok || !strings.Contains(err.Error(), bound) {
			t.Errorf("a module of %d bytes: got %v, want a rejection that names %s", len(wasm), err, bound)
		}
		if _, err := s.Module(t.Context(), scripts.Digest([]byte(wasm))); !errors.Is(err, scripts.ErrNotFound) {
			t.Errorf("a module that is refused is stored: %v", err)
		}
	}
	refused("12345678", "--max-modules-size")
	mustAddModule(t, s, "1234567") // as large as there is room for
	refused("", "--max-modules)")
	mustAddModule(t, s, "one") // what is stored can be uploaded again
	if err := s.DeleteModule(t.Context(), digest); err != nil {
		t.Fatal(err)
	}
	mustAddModule(t, s, "two")
}

// testModuleBoundRace has many callers add modules at the same time: no more are stored than are allowed.
func testModuleBoundRace(t *testing.T, database string) {
	s := openWith(t, store.Config{Database: database, MaxModules: 4})
	var added atomic.Int64
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			wasm := fmt.Sprint("module ", i)
			_, _, err := s.AddModule(t.Context(), newModule(wasm), []byte(wasm))
			if _, refused := errors.AsType[*scripts.RejectedError](err); err != nil && !refused {
				t.Errorf("adding: %v", err)
			}
			if err == nil {
				added.Add(1)
			}
		})
	}
	wg.Wait()
	list, err := s.Modules(t.Context())
	if err != nil || added.Load() != 4 || len(list) != 4 {
		t.Errorf("%d were added and %d are stored, %v; want 4", added.Load(), len(list), err)
	}
}
