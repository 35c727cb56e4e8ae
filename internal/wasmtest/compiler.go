package wasmtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Compiler is what compiles modules in a test run: this program, built once and without the race detector, and one
// folder for what it leaves.
var Compiler struct {
	Command []string
	Cache   string
}

// Main runs the tests of a package that compiles modules, for its TestMain.
func Main(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "registrar-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	program := filepath.Join(folder, "registrar")
	if out, err := exec.Command("go", "build", "-o", program, "registrar").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the compiler of modules: %v\n%s", err, out)
		return 1
	}
	Compiler.Command = []string{program, "compile-module"}
	Compiler.Cache = filepath.Join(folder, "cache")
	return m.Run()
}
