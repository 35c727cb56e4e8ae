package wasmtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Compiler is how tests compile modules: by the program itself, built once and without the race detector, and with one
// cache folder per test run. [Main] sets it.
var Compiler struct {
	Command []string // program and first argument
	Cache   string   // path of the folder
}

// wazeroVersion is the variable with wazero's version, which it writes into code that it compiled, and takes no
// other's. Test binaries do not know their libraries' versions, so there it is dev.
const wazeroVersion = "github.com/tetratelabs/wazero/internal/version.version"

// Main runs the tests of a package that compiles modules and exits. TestMain calls it.
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
	// With these settings the packages are those of a release, and of the other tests, in Go's build cache.
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -X "+wazeroVersion+"=dev",
		"-o", program, "registrar")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the compiler of modules: %v\n%s", err, out)
		return 1
	}
	Compiler.Command = []string{program, "compile-module"}
	Compiler.Cache = filepath.Join(folder, "cache")
	return m.Run()
}
