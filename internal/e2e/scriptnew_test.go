package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"registrar/internal/servertest"
	"registrar/scripts"

	"github.com/go-json-experiment/json"
)

// needs skips the test if a program is missing, or fails it if CI is set.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
}

// makeProject runs make in a script's project, without the caller's settings of Go and make.
func makeProject(t *testing.T, folder string) {
	t.Helper()
	compiler, err := filepath.Abs("sdk/assemblyscript/node_modules/.bin/asc") // instead of the project's own
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("make")
	cmd.Dir = folder
	// A project needs no network.
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOEXPERIMENT=", "GOTOOLCHAIN=local", "MAKEFLAGS=",
		"CARGO=/usr/bin/cargo", "RUSTC=/usr/bin/rustc", "ASC="+compiler)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
}

func TestScriptNew(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lang      string
		compilers []string
		files     []string
	}{
		{"go", []string{"go"}, []string{"Makefile", "README.md", "cases/allowed.txtar", "go.mod", "main.go", "registrar/registrar.go"}},
		{"rust", []string{"/usr/bin/cargo", "/usr/bin/rustc"}, []string{"Makefile", "README.md", "cases/allowed.txtar", "registrar/src/lib.rs"}},
		{"c", []string{"clang", "wasm-ld"}, []string{"Makefile", "README.md", "cases/allowed.txtar", "script.c", "registrar.h"}},
	} {
		t.Run(tt.lang, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(t.TempDir(), "new", "script")
			if r := must(t, runBinary(t, t.TempDir(), "script", "new", "--lang", tt.lang,
				folder)); !strings.Contains(r.out, folder) {
				t.Errorf("got %q, want the folder in it", r.out)
			}
			for _, file := range tt.files {
				if _, err := os.Stat(filepath.Join(folder, filepath.FromSlash(file))); err != nil {
					t.Error(err)
				}
			}
			needs(t, append(tt.compilers, "make")...)
			makeProject(t, folder)
			modules, err := filepath.Glob(filepath.Join(folder, "*.wasm"))
			if err != nil || len(modules) != 1 {
				t.Fatalf("make built %v, want one module", modules)
			}
			must(t, runBinary(t, folder, "script", "inspect", modules[0]))

			request := servertest.File(t, "request.json", minimal)
			d := dryRun(t, exitDone, modules[0], "--request", request,
				`--config-json={"redirect_uris":["https://app.example/cb"]}`)
			if d.Outcome != scripts.OutcomeRegistered {
				t.Errorf("an allowed redirect URI: %s", d.Outcome)
			}
			d = dryRun(t, exitFailed, modules[0], "--request", request,
				`--config-json={"redirect_uris":["https://app.example/other"]}`)
			if d.Outcome != scripts.OutcomeRefused || d.Error == nil ||
				!strings.Contains(d.Error.Description, "not allowed here") {
				t.Errorf("another redirect URI: %s: %+v", d.Outcome, d.Error)
			}
		})
	}
}

// dryRun runs script run, checks its exit code and returns its result.
func dryRun(t *testing.T, code int, args ...string) (d scripts.DryRun) {
	t.Helper()
	r := runBinary(t, t.TempDir(), append([]string{"script", "run", "--output=json", "--script-timeout=1m"},
		args...)...)
	if r.code != code {
		t.Fatalf("exit code %d, want %d: %s", r.code, code, r.err)
	}
	if err := json.Unmarshal([]byte(r.out), &d); err != nil {
		t.Fatal(err)
	}
	return d
}
