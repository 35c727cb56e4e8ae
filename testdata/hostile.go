package testdata

import (
	"embed"
	"testing"

	"registrar/testdata/wasm/hostile"
)

//go:embed wasm/hostile/*.wasm
var hostileModules embed.FS

// Hostile returns the modules of testdata/wasm/hostile, with what the server must make of each. Their bytes are those that
// are committed, but for the large ones.
func Hostile(t testing.TB) []hostile.Module {
	t.Helper()
	modules := hostile.Modules()
	for i, m := range modules {
		if m.Large {
			continue
		}
		b, err := hostileModules.ReadFile("wasm/hostile/" + m.Name + ".wasm")
		if err != nil {
			t.Fatal(err)
		}
		modules[i].Wasm = func() []byte { return b }
	}
	return modules
}
