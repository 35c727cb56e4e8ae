// Package e2e tests the program as it is released: processes that are killed, both databases, client libraries, the
// commands in the documentation. It has only tests, which run in parallel: each has its own server and folder.
package e2e

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
)

// The program's exit codes.
const (
	exitDone   = 0
	exitFailed = 1 // refused or failed
	exitUsage  = 2 // wrong usage
)

// folder is the temporary folder of the test run.
var folder string

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	// Paths in these tests are relative to the root of the source tree.
	if err := os.Chdir(wasmtest.Root()); err != nil {
		panic(err)
	}
	var remove func()
	var err error
	if folder, remove, err = servertest.Isolate(); err != nil {
		panic(err)
	}
	defer remove()
	flag.Parse()
	// The tests wait for processes much more than they compute: in 250 s they used 117 s of a processor.
	if parallel := flag.Lookup("test.parallel").Value; parallel.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = parallel.Set(strconv.Itoa(max(6, runtime.GOMAXPROCS(0))))
	}
	return m.Run()
}

// binary builds the program once, as it is released, without cgo.
var binary = sync.OnceValues(func() (string, error) { return build("registrar") })

// build builds the program to a file of folder.
func build(name string, flags ...string) (string, error) {
	path := filepath.Join(folder, name)
	cmd := exec.Command("go", slices.Concat([]string{"build", "-trimpath", "-ldflags=-s -w", "-o", path}, flags,
		[]string{"."})...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Dir = wasmtest.Root()
	cmd.Stderr = os.Stderr
	return path, cmd.Run()
}

// A result is the result of a command.
type result struct {
	code     int
	out, err string
}

// runBinary runs the program in a folder.
func runBinary(t testing.TB, folder string, args ...string) result {
	t.Helper()
	return runWith(t, folder, nil, args...)
}

// runCheck runs check in a folder, for a server on free ports.
func runCheck(t testing.TB, folder string, args ...string) result {
	t.Helper()
	return runBinary(t, folder, append([]string{"check", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0"},
		args...)...)
}

// runWith runs the program in a folder, with these variables beside those of the environment.
func runWith(t testing.TB, folder string, variables []string, args ...string) result {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return runProgram(t, path, folder, variables, args...)
}

// runProgram is runWith with another build of the program.
func runProgram(t testing.TB, path, folder string, variables []string, args ...string) result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path, args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, &stdout, &stderr
	cmd.Env = append(os.Environ(), variables...)
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// must fails the test if a command failed, and returns its result.
func must(t testing.TB, r result) result {
	t.Helper()
	if r.code != exitDone {
		t.Fatalf("exit code %d, standard error:\n%s", r.code, r.err)
	}
	return r
}
