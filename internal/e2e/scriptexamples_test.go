package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"registrar/internal/wasmtest"
)

// The cases of the SDKs' examples pass. Large requests leave them half of their fuel.
func TestExamples(t *testing.T) {
	t.Parallel()
	needs(t, "make", "go", "clang", "wasm-ld", "/usr/bin/rustc", "sdk/assemblyscript/node_modules/.bin/asc")
	out := t.TempDir()
	for _, args := range [][]string{
		{"-C", "sdk", "examples", "OUT=" + out},
		{"-C", "sdk/rust", "examples", "BUILD=" + filepath.Join(out, "rust", "examples")},
		{"-C", "sdk/assemblyscript", "examples", "BUILD=" + filepath.Join(out, "assemblyscript", "examples")},
	} {
		if b, err := exec.Command("make", args...).CombinedOutput(); err != nil {
			t.Fatalf("make %s: %v\n%s", args, err, b)
		}
	}
	modules, err := filepath.Glob(filepath.Join(out, "*", "examples", "*.wasm"))
	if err != nil || len(modules) < 9 {
		t.Fatalf("make built %v", modules)
	}
	for _, module := range modules {
		name, err := filepath.Rel(out, strings.TrimSuffix(module, ".wasm"))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			passes(t, filepath.Join("sdk", name), module)
			frugal(t, filepath.Join("sdk", name), module)
		})
		if module == modules[0] { // else frugal could not notice
			if printed := testWithFuel(t, filepath.Join("sdk", name), module, 1); !strings.Contains(printed,
				"out of fuel") {
				t.Errorf("%s: with a fuel of 1 no case fails for it:\n%s", name, printed)
			}
		}
	}
}

// Every example of another language is one in TypeScript too, whose cases pass. Large requests leave it half of its
// fuel.
func TestTypeScriptExamples(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Glob(filepath.Join("sdk", "*", "examples", "*", "cases"))
	if err != nil || len(examples) < 9 {
		t.Fatalf("the examples: %v, %v", examples, err)
	}
	tested := map[string]bool{}
	for _, cases := range examples {
		name := filepath.Base(filepath.Dir(cases))
		if tested[name] {
			continue
		}
		tested[name] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join("sdk", "typescript", "examples", name)
			passes(t, folder, filepath.Join(folder, name+".ts"))
			frugal(t, folder, filepath.Join(folder, name+".ts"))
		})
	}
}

// passes checks that each case of a folder passes.
func passes(t *testing.T, folder, module string) {
	t.Helper()
	r := runBinary(t, wasmtest.Root(), "script", "test", folder, "--wasm", module, "--script-timeout=1m")
	if r.code != exitDone || strings.HasPrefix(r.out, "0 passed") {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
}
