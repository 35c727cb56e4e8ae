// Package wasmtest provides tests with the WebAssembly modules in testdata, and with a compiler for them.
package wasmtest

//go:generate make -C ../../testdata/wasm all

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"registrar/scripts/configschema"
	"registrar/scripts/wasmbin"
)

// root is found when the process starts, since tests change their working directory. The compiler's paths do not tell:
// -trimpath removes them.
var root = findRoot()

// Root returns the root folder of the source tree: the one with registrar's go.mod, in or above the folder in which the
// process started. Without one, it panics.
func Root() string {
	if root == "" {
		panic("wasmtest: the process did not start in registrar's source tree")
	}
	return root
}

func findRoot() string {
	folder, err := os.Getwd()
	for err == nil {
		if mod, readErr := os.ReadFile(filepath.Join(folder, "go.mod")); readErr == nil &&
			bytes.HasPrefix(mod, []byte("module registrar\n")) {
			return folder
		}
		above := filepath.Dir(folder)
		if above == folder {
			break
		}
		folder = above
	}
	return ""
}

// Wasm returns the module of that name from testdata/wasm, or from the folder in REGISTRAR_TEST_WASM, which has the
// same sources built by other compilers.
func Wasm(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(path(name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// WithConfigSchema returns the module of that name, as [Wasm] does, with a JSON Schema of its configuration.
func WithConfigSchema(t testing.TB, name, schema string) []byte {
	t.Helper()
	wasm := Wasm(t, name)
	m, err := wasmbin.Decode(wasm)
	if err != nil {
		t.Fatal(err)
	}
	return m.WithCustom(wasm, configschema.Section, []byte(schema))
}

func path(name string) string {
	if folder := os.Getenv("REGISTRAR_TEST_WASM"); folder != "" {
		return filepath.Join(folder, name+".wasm")
	}
	return filepath.Join(Root(), "testdata", "wasm", name+".wasm")
}

// Module returns the module of that name in testdata/wasm.
func Module(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(Root(), "testdata", "wasm", name+".wasm"))
}

// Path returns the path of the module that [Wasm] returns.
func Path(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(path(name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
