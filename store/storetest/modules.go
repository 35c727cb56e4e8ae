package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/scripts"
	"registrar/store"
)

// newModule returns a module with the given bytes. They need not be WebAssembly: the store does not decode them.
func newModule(wasm string) scripts.Module {
	return scripts.Module{
		Digest: scripts.Digest([]byte(wasm)), Name: "module", Size: len(wasm),
		Steps: []string{"add_client_id"}, Imports: []string{"registrar_v1.log"}, MemoryMin: 1 << 32,
		Warnings:  []string{},
		CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
}

// mustAddModule stores modules and returns the digest of the first.
func mustAddModule(t testing.TB, s *store.Store, wasms ...string) string {
	t.Helper()
	for _, wasm := range wasms {
		if _, _, err := s.AddModule(t.Context(), newModule(wasm), []byte(wasm)); err != nil {
			t.Fatal(err)
		}
	}
	return scripts.Digest([]byte(wasms[0]))
}

func testModules(t *testing.T, database string) {
	s := open(t, database)
	if got, err := s.Modules(t.Context()); err != nil || got == nil || len(got) != 0 {
		t.Errorf("modules of an empty database: got %v and %v, want an empty list", got, err)
	}
	first := newModule("first")
	first.CreatedAt = time.Date(2026, 1, 1, 0, 0, 0, 1000, time.UTC)
	second := newModule("second")
	second.Name, second.Steps, second.Imports, second.Warnings = "größer 🦀", []string{}, []string{},
		[]string{"one", "two"}
	second.Signature = "signed at once"
	for _, m := range []scripts.Module{first, second} {
		stored, added, err := s.AddModule(t.Context(), m,
			[]byte(map[string]string{first.Digest: "first", second.Digest: "second"}[m.Digest]))
		if err != nil || !added {
			t.Fatalf("adding: got %t and %v, want true", added, err)
		}
		if diff := cmp.Diff(m, stored); diff != "" {
			t.Errorf("what adding returned, want (-) and got (+):\n%s", diff)
		}
		got, err := s.Module(t.Context(), m.Digest)
		if diff := cmp.Diff(m, got); err != nil || diff != "" {
			t.Errorf("what was stored, want (-) and got (+), %v:\n%s", err, diff)
		}
	}
	again := newModule("first")
	again.Name = "another name"
	stored, added, err := s.AddModule(t.Context(), again, []byte("first"))
	if diff := cmp.Diff(first, stored); err != nil || added || diff != "" {
		t.Errorf("adding again: got %t and %v, want false and the first, want (-) and got (+):\n%s", added, err, diff)
	}
	for _, signature := range []string{"untrusted comment: größer\nRUQ=\n", "", "another"} {
		again.Signature = signature
		if signature != "" {
			first.Signature = signature
		}
		stored, added, err := s.AddModule(t.Context(), again, []byte("first"))
		if diff := cmp.Diff(first, stored); err != nil || added || diff != "" {
			t.Errorf("adding with the signature %q: got %t and %v, want false and, want (-) and got (+):\n%s",
				signature, added, err, diff)
		}
		if got, err := s.ModuleSignature(t.Context(), first.Digest); err != nil || got != first.Signature {
			t.Errorf("the signature that is stored: got %q and %v, want %q", got, err, first.Signature)
		}
	}
	if got, err := s.ModuleSignature(t.Context(), second.Digest); err != nil || got != "signed at once" {
		t.Errorf("the signature of the second: got %q and %v", got, err)
	}
	if _, err := s.ModuleSignature(t.Context(), scripts.Digest(nil)); !errors.Is(err, scripts.ErrNotFound) {
		t.Errorf("the signature of a missing module: got %v, want %v", err, scripts.ErrNotFound)
	}
	got, err := s.Modules(t.Context())
	if diff := cmp.Diff([]scripts.Module{second, first}, got); err != nil || diff != "" {
		t.Errorf("the list, newest first, want (-) and got (+), %v:\n%s", err, diff)
	}
}

func testModuleRace(t *testing.T, database string) {
	s := open(t, database)
	var wg sync.WaitGroup
	added := make([]bool, 8)
	for i := range added {
		wg.Go(func() {
			m := newModule("the same bytes")
			m.Name = fmt.Sprint("upload-", i)
			stored, won, err := s.AddModule(t.Context(), m, []byte("the same bytes"))
			if err != nil {
				t.Errorf("upload %d: %v", i, err)
			}
			if won != (stored.Name == m.Name) {
				t.Errorf("upload %d: added is %t, but %s is stored", i, won, stored.Name)
			}
			added[i] = won
		})
	}
	wg.Wait()
	if got := strings.Count(fmt.Sprint(added), "true"); got != 1 {
		t.Errorf("added: got %v, want one", added)
	}
}

func testModuleBytes(t *testing.T, database string) {
	s := open(t, database)
	wasm := bytes.Repeat([]byte("\x00asm\xff'\"\\\r\n\x1a"), 8<<20/11) // about the largest module that is accepted
	m := newModule(string(wasm))
	if _, _, err := s.AddModule(t.Context(), m, wasm); err != nil {
		t.Fatal(err)
	}
	got, err := s.ModuleBytes(t.Context(), m.Digest)
	if err != nil || !bytes.Equal(got, wasm) {
		t.Errorf("got %d bytes and %v, want %d", len(got), err, len(wasm))
	}
	if _, err := s.ModuleBytes(t.Context(), scripts.Digest(nil)); !errors.Is(err, scripts.ErrNotFound) {
		t.Errorf("a missing module: got %v, want %v", err, scripts.ErrNotFound)
	}
	if _, _, err := s.AddModule(t.Context(), newModule("one"), []byte("two")); err == nil {
		t.Error("bytes that do not match the digest: got no error, want one")
	}
	if _, err := raw(t, database).Exec("UPDATE modules SET wasm = 'x'"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ModuleBytes(t.Context(), m.Digest); err == nil {
		t.Error("bytes that were changed in the database: got no error, want one")
	}
}

func testDeleteModule(t *testing.T, database string) {
	s := open(t, database)
	digest := mustAddModule(t, s, "old", "new")
	other := scripts.Digest([]byte("new"))
	mustDeploy(t, s, digest)
	for range 19 {
		mustDeploy(t, s, other)
	}
	err := s.DeleteModule(t.Context(), digest)
	if !errors.Is(err, scripts.ErrConflict) || !strings.Contains(err.Error(), "deployment 1 ") {
		t.Errorf("used by the oldest of the last 20 deployments: got %v, want %v and its number", err,
			scripts.ErrConflict)
	}
	mustDeploy(t, s)
	if err := s.DeleteModule(t.Context(), digest); err != nil {
		t.Errorf("used only by an older deployment: %v", err)
	}
	if err := s.DeleteModule(t.Context(), digest); !errors.Is(err, scripts.ErrNotFound) {
		t.Errorf("deleting again: got %v, want %v", err, scripts.ErrNotFound)
	}
	if _, err := s.Module(t.Context(), other); err != nil {
		t.Errorf("the other one: %v", err)
	}
}

// A canary falls back to the latest deployment without canaries, however many canaries followed it.
func testDeleteModuleOfBaseline(t *testing.T, database string) {
	s := open(t, database)
	before, baseline := mustAddModule(t, s, "before", "baseline", "canary"), scripts.Digest([]byte("baseline"))
	mustDeploy(t, s, before)
	mustDeploy(t, s, baseline)
	canary := newDeployment(scripts.Digest([]byte("canary")))
	canary.Scripts[0].Mode, canary.Scripts[0].Canary = scripts.ModeCanary, "5%"
	for range 45 {
		if _, err := s.AddDeployment(t.Context(), canary, nil); err != nil {
			t.Fatal(err)
		}
	}
	err := s.DeleteModule(t.Context(), baseline)
	if !errors.Is(err, scripts.ErrConflict) || !strings.Contains(err.Error(), "deployment 2 ") {
		t.Errorf("the module that a fall-back needs: got %v, want %v and its number", err, scripts.ErrConflict)
	}
	if err := s.DeleteModule(t.Context(), before); err != nil {
		t.Errorf("a module of an older deployment: %v", err)
	}
	mustDeploy(t, s)
	if err := s.DeleteModule(t.Context(), baseline); err != nil {
		t.Errorf("after the canary: %v", err)
	}
}

// Of a concurrent deployment and deletion of a module exactly one succeeds.
func testDeleteModuleRace(t *testing.T, database string) {
	s := open(t, database)
	outcomes := map[string]int{}
	for round := range 30 {
		digest := mustAddModule(t, s, fmt.Sprint("wasm ", round))
		var deployed, deleted error
		var wg sync.WaitGroup
		start := make(chan struct{})
		wg.Go(func() {
			<-start
			_, deployed = s.AddDeployment(t.Context(), newDeployment(digest), nil)
		})
		wg.Go(func() {
			<-start
			deleted = s.DeleteModule(t.Context(), digest)
		})
		close(start)
		wg.Wait()
		_, err := s.Module(t.Context(), digest)
		switch {
		case deployed == nil && errors.Is(deleted, scripts.ErrConflict) && err == nil:
			outcomes["deployed"]++
		case deleted == nil && errors.Is(deployed, scripts.ErrNotFound) && errors.Is(err, scripts.ErrNotFound):
			outcomes["deleted"]++
		default:
			t.Errorf("round %d: deploying %v, deleting %v, reading %v", round, deployed, deleted, err)
		}
	}
	t.Log(outcomes)
}
