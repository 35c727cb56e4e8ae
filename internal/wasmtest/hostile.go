package wasmtest

import (
	"testing"

	"registrar/internal/wasmtest/hostile"
)

// Hostile returns the modules of testdata/wasm/hostile, with the outcomes that are allowed for each. Their bytes are
// the committed ones, except for large modules, which are generated.
func Hostile(t testing.TB) []hostile.Module {
	t.Helper()
	modules := hostile.Modules()
	for i, m := range modules {
		if m.Large {
			continue
		}
		b, err := Module("hostile/" + m.Name)
		if err != nil {
			t.Fatal(err)
		}
		modules[i].Wasm = func() []byte { return b }
	}
	return modules
}
