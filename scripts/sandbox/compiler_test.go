package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/wasmtest"
	"registrar/scripts"
)

func newTestCompiler(t *testing.T, command ...string) *compiler {
	t.Helper()
	if len(command) == 0 {
		command = wasmtest.Compiler.Command
	}
	c, err := newCompiler(command, filepath.Join(t.TempDir(), "cache"), 256)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close(t.Context()) })
	return c
}

// A module is compiled once, however many want it, and never again.
func TestCompileOnce(t *testing.T) {
	runs := filepath.Join(t.TempDir(), "runs")
	c := newTestCompiler(t, "sh", "-c", `echo run >> "`+runs+`"; sleep 0.2; exec "$0" "$@"`, wasmtest.Compiler.Command[0], wasmtest.Compiler.Command[1])
	module := wasmtest.Wasm(t, "prefix-id")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := c.vet(t.Context(), module); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := c.vet(t.Context(), module); err != nil {
		t.Error(err)
	}
	b, err := os.ReadFile(runs)
	if err != nil || strings.Count(string(b), "run") != 1 {
		t.Errorf("%q, %v: want one run", b, err)
	}
	entries, err := filepath.Glob(filepath.Join(c.folder, "wazero-*", "*"))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %q, %v; want the code of one module", entries, err)
	}
}

// Whatever becomes of the child, the upload is refused in words, and nothing counts as compiled.
func TestCompilerDies(t *testing.T) {
	t.Setenv("SECRET_OF_THE_OPERATOR", "sesame")
	for _, tt := range []struct{ name, script, want string }{
		{"killed", "kill -9 $$", "crashed the compiler (signal: killed)"},
		{"out of CPU", "ulimit -t 1; while :; do :; done", "took more than 30 s of CPU"},
		{"crashed", "echo fatal error: out of memory >&2; exit 2", "4 GiB of memory"},
		{"invalid", "env >&2; exit 3", "the module does not compile"},
		{"too slow", "sleep 60", "took longer than 2s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newTestCompiler(t, "sh", "-c", tt.script)
			c.wall = time.Minute
			if tt.name == "too slow" {
				c.wall = 2 * time.Second
			}
			for range 2 {
				err := c.vet(t.Context(), wasmtest.Wasm(t, "prefix-id"))
				if _, rejected := errors.AsType[*scripts.RejectedError](err); !rejected || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("got %v, want a rejection with %q", err, tt.want)
				}
				if strings.Contains(err.Error(), "sesame") {
					t.Errorf("the child inherits the environment: %v", err)
				}
			}
		})
	}
	c := newTestCompiler(t, filepath.Join(t.TempDir(), "nothing"))
	err := c.vet(t.Context(), wasmtest.Wasm(t, "prefix-id"))
	if _, rejected := errors.AsType[*scripts.RejectedError](err); err == nil || rejected {
		t.Errorf("without a compiler: got %v, want an error of our own", err)
	}
}

// A module whose code is no code does not compile.
func TestCompileInvalid(t *testing.T) {
	c := newTestCompiler(t)
	// (module (func (result i32))): a body that leaves no result.
	module := []byte("\x00asm\x01\x00\x00\x00\x01\x05\x01\x60\x00\x01\x7f\x03\x02\x01\x00\x0a\x04\x01\x02\x00\x0b")
	err := c.vet(t.Context(), module)
	if _, rejected := errors.AsType[*scripts.RejectedError](err); !rejected || !strings.Contains(err.Error(), "the module does not compile: ") {
		t.Errorf("got %v", err)
	}
}

func TestCacheFolderIsPrivate(t *testing.T) {
	root := t.TempDir()
	path := func(name string) string { return filepath.Join(root, name) }
	for _, err := range []error{os.Mkdir(path("open"), 0o755), os.WriteFile(path("file"), nil, 0o600), os.Mkdir(path("mine"), 0o700), os.Symlink(path("mine"), path("link"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"open": "0755: it must be 0700", "file": "is no folder", "link": "is no folder", "mine": "", "new/er": ""} {
		err := privateFolder(path(name))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	if info, err := os.Stat(path("new/er")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("a new folder: %v, %v", info.Mode(), err)
	}
	if err := os.Chown(path("mine"), os.Getuid()+1, -1); err == nil {
		if err := privateFolder(path("mine")); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
			t.Errorf("another user's folder: got %v", err)
		}
	}
}
