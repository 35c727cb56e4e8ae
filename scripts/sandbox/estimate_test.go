package sandbox

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/wasmtest"
	"registrar/internal/wasmtest/hostile"
	"registrar/scripts"
	"registrar/scripts/wasmbin"
)

// What compilers make keeps what compiling it may take by a factor of three, by the estimate, which is above what it
// takes.
func TestHonestModulesAreCheap(t *testing.T) {
	var names []string
	for _, pattern := range []string{"testdata/wasm/*.wasm", "sdk/conformance/*.wasm"} {
		paths, err := filepath.Glob(filepath.Join(wasmtest.Root(), pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: got %d files, %v", pattern, len(paths), err)
		}
		names = append(names, paths...)
	}
	for _, path := range names {
		name, err := filepath.Rel(filepath.Join(wasmtest.Root(), "testdata", "wasm"), strings.TrimSuffix(path, ".wasm"))
		if err != nil {
			t.Fatal(err)
		}
		wasm, err := wasmtest.Module(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := wasmbin.Decode(wasm)
		if err != nil {
			continue // it is one that is refused for that
		}
		var v surveyor
		var cost float64
		for i := range m.Code {
			s := v.survey(m.Body(wasm, i))
			cost += s.cost()
		}
		allowed := float64(limitsFor(len(wasm)).cpu)
		if cost /= 1e9; cost > allowed/3 {
			t.Errorf("%s: compiling would take %.2f s, of %.0f s that are allowed: want a third at most", name, cost,
				allowed)
		}
		if err := judge(wasm, m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Modules that are made to be slow to compile are refused in a moment, in words that say why; none may take more than
// 10 s.
func TestHostileModulesAreJudged(t *testing.T) {
	judged := 0
	for _, attack := range wasmtest.Hostile(t) {
		wasm := attack.Wasm()
		m, err := wasmbin.Decode(wasm)
		if err != nil {
			continue
		}
		if limit := limitsFor(len(wasm)).cpu; limit > 10 {
			t.Errorf("%s: may take %d s to compile", attack.Name, limit)
		}
		begin := time.Now()
		err = judge(wasm, m)
		// It takes some milliseconds. The bound is far above what a slow machine takes.
		if took := time.Since(begin); took > time.Minute {
			t.Errorf("%s: judged in %s", attack.Name, took)
		}
		rejected, isRejected := errors.AsType[*scripts.RejectedError](err)
		if strings.HasPrefix(attack.Says, "compil") {
			if judged++; !isRejected || !strings.Contains(err.Error(), "are allowed for its size") {
				t.Errorf("%s: got %v, want it refused", attack.Name, err)
			}
			t.Logf("%s: %v", attack.Name, err)
		} else if isRejected && !slices.Contains(attack.Must, hostile.Refused) {
			t.Errorf("%s: refused: %v", attack.Name, rejected)
		}
	}
	if judged < 10 {
		t.Errorf("%d modules are refused for what compiling takes, want ten at least", judged)
	}
}

// A module of any shape is compiled within what it may take, or refused: nothing is killed.
func TestEstimateHolds(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles for half a minute")
	}
	c := newTestCompiler(t, filepath.Join(t.TempDir(), "cache"))
	for _, attack := range wasmtest.Hostile(t) {
		if !strings.HasPrefix(attack.Name, "compile-") && !strings.HasPrefix(attack.Name, "nest-") &&
			!strings.HasPrefix(attack.Name, "br-table-") && !strings.HasPrefix(attack.Name, "recursion-") {
			continue
		}
		wasm := attack.Wasm()
		m, err := wasmbin.Decode(wasm)
		if err != nil || judge(wasm, m) != nil {
			continue
		}
		if err := c.try(t.Context(), wasm); err != nil {
			t.Errorf("%s: %v", attack.Name, err)
		}
	}
}
