// Package wasmtest provides tests with the WebAssembly modules in testdata, and with a compiler for them.
package wasmtest

//go:generate make -C ../../testdata/wasm all

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Root returns the root folder of the source tree.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Wasm returns the module of that name from testdata/wasm, or from the folder in REGISTRAR_TEST_WASM, which has the same
// sources built by other compilers.
func Wasm(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(path(name))
	if err != nil {
		t.Fatal(err)
	}
	return b
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
