// Package testdata hands the WebAssembly fixtures to the tests of every package.
package testdata

import (
	"embed"
	"os"
	"path/filepath"
	"testing"
)

//go:embed wasm/*.wasm
var modules embed.FS

// Wasm returns the module of that name: of testdata/wasm, or of the folder that REGISTRAR_TEST_WASM names, where the same
// sources were built by other compilers.
func Wasm(t testing.TB, name string) []byte {
	t.Helper()
	read := func() ([]byte, error) { return Module(name) }
	if folder := os.Getenv("REGISTRAR_TEST_WASM"); folder != "" {
		read = func() ([]byte, error) { return os.ReadFile(filepath.Join(folder, name+".wasm")) }
	}
	b, err := read()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Module returns the module of that name in testdata/wasm.
func Module(name string) ([]byte, error) { return modules.ReadFile("wasm/" + name + ".wasm") }
