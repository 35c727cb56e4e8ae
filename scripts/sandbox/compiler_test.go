package sandbox

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/codecache"
)

// A testCompiler is a compiler with a runtime of its own that loads what it compiled.
type testCompiler struct {
	*compiler
	runtime wazero.Runtime
}

func newTestCompiler(t testing.TB, folder string, command ...string) *testCompiler {
	t.Helper()
	if len(command) == 0 {
		command = wasmtest.Compiler.Command
	}
	c, err := newCompiler(Config{
		CompileCommand: command, CacheFolder: folder, Logger: slog.New(slog.DiscardHandler),
	}.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	runtime := wazero.NewRuntimeWithConfig(t.Context(), runtimeConfig(c.memoryPages, c.cache))
	t.Cleanup(func() {
		runtime.Close(context.Background())
		c.close(context.Background())
	})
	return &testCompiler{c, runtime}
}

// sourceOf returns a module as it was uploaded: that it is not metered does not matter here.
func sourceOf(wasm []byte) source {
	return source{digest: scripts.Digest(wasm), size: len(wasm), module: wasm}
}

// try loads a module and closes it.
func (c *testCompiler) try(ctx context.Context, wasm []byte) error {
	compiled, err := c.load(ctx, c.runtime, sourceOf(wasm))
	if err == nil {
		err = compiled.Close(ctx)
	}
	return err
}

// counting returns a command that compiles and notes each run in a file, and how to read how many there were.
func counting(t testing.TB, before string) (command []string, runs func() int) {
	t.Helper()
	notes := filepath.Join(t.TempDir(), "runs")
	program := wasmtest.Compiler.Command
	command = []string{"sh", "-c", `echo run >> "` + notes + `"; ` + before + `; exec "$0" "$@"`, program[0],
		program[1]}
	return command, func() int {
		b, _ := os.ReadFile(notes)
		return strings.Count(string(b), "run")
	}
}

// A module is compiled once, however many want it, and never again.
func TestCompileOnce(t *testing.T) {
	command, runs := counting(t, "sleep 0.2")
	c := newTestCompiler(t, filepath.Join(t.TempDir(), "cache"), command...)
	module := wasmtest.Wasm(t, "prefix-id")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := c.try(t.Context(), module); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := c.try(t.Context(), module); err != nil || runs() != 1 {
		t.Errorf("got %v after %d runs, want one", err, runs())
	}
	entries, err := filepath.Glob(filepath.Join(c.files.Code(), "*", "*"))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %q, %v; want the code of one module", entries, err)
	}
	if left, _ := filepath.Glob(filepath.Join(c.root, "*", "new-*")); left != nil {
		t.Errorf("compilers left %q", left)
	}
}

// wazero does not compile in this process: what its cache does not have, it refuses, and without delay.
func TestOnlyChildrenCompile(t *testing.T) {
	c := newTestCompiler(t, filepath.Join(t.TempDir(), "cache"))
	for _, name := range []string{"prefix-id", "go-prefix-id", "hostile/compile-endless"} {
		wasm := wasmtest.Wasm(t, name)
		begin := time.Now()
		_, err := c.runtime.CompileModule(c.lookUp, wasm)
		if !errors.Is(err, errNotFound) {
			t.Errorf("%s: got %v, want %v", name, err, errNotFound)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s was refused only after %s", name, took)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(c.files.Code(), "*", "*")); files != nil {
		t.Errorf("wazero wrote %q", files)
	}
	// A child that leaves nothing, or something else, does not make it compile either.
	for name, script := range map[string]string{
		"nothing": "exit 0",
		"other": `mkdir -p "$1/code/x"; echo x > "$1/code/x/y"; printf '{"key":"%s","compiled":"00","file":"x/y",` +
			`"size":2,"sha256":""}' "$2" > "$1/seal"`,
	} {
		c := newTestCompiler(t, filepath.Join(t.TempDir(), "cache"), "sh", "-c", script, "sh")
		if err := c.try(t.Context(), wasmtest.Wasm(t, "prefix-id")); err == nil {
			t.Errorf("a child that leaves %s: the module was loaded", name)
		}
	}
}

// Whatever becomes of the child, the upload is refused in words, and nothing counts as compiled.
func TestCompilerDies(t *testing.T) {
	t.Setenv("SECRET_OF_THE_OPERATOR", "sesame")
	for _, tt := range []struct{ name, script, want string }{
		{"killed", "kill -9 $$", "crashed the compiler (signal: killed)"},
		{"out of CPU", "ulimit -t 1; while :; do :; done", "took more than 4 s of CPU"},
		{"crashed", "echo fatal error: out of memory >&2; exit 2", "4 GiB of memory"},
		{"invalid", "env >&2; exit 3", "the module does not compile"},
		{"too slow", "sleep 60", "took longer than 2s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newTestCompiler(t, filepath.Join(t.TempDir(), "cache"), "sh", "-c", tt.script)
			c.limits = func(size int) compileLimits {
				limits := limitsFor(size)
				if limits.wall = time.Minute; tt.name == "too slow" {
					limits.wall = 2 * time.Second
				}
				return limits
			}
			for range 2 {
				err := c.try(t.Context(), wasmtest.Wasm(t, "prefix-id"))
				if _, rejected := errors.AsType[*scripts.RejectedError](err); !rejected ||
					!strings.Contains(err.Error(), tt.want) {
					t.Fatalf("got %v, want a rejection with %q", err, tt.want)
				}
				if strings.Contains(err.Error(), "sesame") {
					t.Errorf("the child inherits the environment: %v", err)
				}
			}
		})
	}
	for name, command := range map[string][]string{
		"without a compiler":       {filepath.Join(t.TempDir(), "nothing")},
		"with a compiler's fault":  {"sh", "-c", "echo a defect >&2; exit 1"},
		"with a disk that is full": {"sh", "-c", "echo no space left on device >&2; exit 4"},
	} {
		c := newTestCompiler(t, filepath.Join(t.TempDir(), "cache"), command...)
		err := c.try(t.Context(), wasmtest.Wasm(t, "prefix-id"))
		if _, rejected := errors.AsType[*scripts.RejectedError](err); err == nil || rejected {
			t.Errorf("%s: got %v, want an error of our own", name, err)
		}
		if full := name == "with a disk that is full"; errors.Is(err, ErrUnavailable) != full {
			t.Errorf("%s: got %v, want ErrUnavailable: %t", name, err, full)
		}
	}
}

// A module whose code is no code does not compile. Those who wait for it get the same answer, from one child.
func TestCompileInvalid(t *testing.T) {
	command, runs := counting(t, "sleep 0.5")
	c := newTestCompiler(t, filepath.Join(t.TempDir(), "cache"), command...)
	// (module (func (result i32))): a body that leaves no result.
	module := []byte("\x00asm\x01\x00\x00\x00\x01\x05\x01\x60\x00\x01\x7f\x03\x02\x01\x00\x0a\x04\x01\x02\x00\x0b")
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			err := c.try(t.Context(), module)
			if _, rejected := errors.AsType[*scripts.RejectedError](err); !rejected ||
				!strings.Contains(err.Error(), "the module does not compile: ") {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	if runs() > 2 { // one of the five may come when the others are gone
		t.Errorf("%d children ran", runs())
	}
}

// One module is compiled at a time, and eight wait. The others are told to come again.
func TestCompileQueue(t *testing.T) {
	command, runs := counting(t, "sleep 0.3")
	c := newTestCompiler(t, filepath.Join(t.TempDir(), "cache"), command...)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var done, denied int
	begin := time.Now()
	for i := range 30 {
		wg.Go(func() {
			err := c.try(t.Context(), numbered(i))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				done++
			case errors.Is(err, ErrUnavailable):
				denied++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if done != 1+maxWaiting || denied != 30-done || runs() != done {
		t.Errorf("%d were compiled by %d children and %d denied, want %d and the others", done, runs(), denied,
			1+maxWaiting)
	}
	if took := time.Since(begin); took < 9*300*time.Millisecond {
		t.Errorf("nine compilations took %s: they ran at once", took)
	}
	if err := c.try(t.Context(), numbered(99)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// numbered returns a module that differs from those of other numbers: (module (func (result i32) i32.const n)).
func numbered(n int) []byte {
	wasm := []byte("\x00asm\x01\x00\x00\x00\x01\x05\x01\x60\x00\x01\x7f\x03\x02\x01\x00\x0a\x07\x01\x05\x00\x41")
	return append(wasm, 0x80|byte(n&0x3f), byte(n>>6), 0x0b)
}

// A waiting upload that is called off makes room.
func TestCompileQueueIsLeft(t *testing.T) {
	q := newQueue()
	leave, err := q.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 * maxWaiting {
		if _, err := q.enter(ctx); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	}
	leave()
	if leave, err = q.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	leave()
}

// Code that was damaged is compiled again, whatever wazero would make of it.
func TestDamagedCode(t *testing.T) {
	command, runs := counting(t, ":")
	folder, module := filepath.Join(t.TempDir(), "cache"), wasmtest.Wasm(t, "prefix-id")
	c := newTestCompiler(t, folder, command...)
	if err := c.try(t.Context(), module); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(c.files.Code(), "*", "*"))
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += 1 + len(whole)/40 {
		damaged := append([]byte{}, whole...)
		damaged[at] ^= 0x10
		for _, content := range [][]byte{damaged, whole[:at], append(whole[:len(whole):len(whole)], whole[:at+1]...)} {
			before := runs()
			if err := os.WriteFile(files[0], content, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := c.try(t.Context(), module); err != nil || runs() != before+1 {
				t.Fatalf("damaged at %d: got %v and %d more runs, want one", at, err, runs()-before)
			}
		}
	}
	// What is whole, but not what wazero takes, is compiled again too.
	name := codecache.Name{Uploaded: scripts.Digest(module), Compiled: codecache.Sum(module)}
	reseal(t, c, name, module, []byte("WAZEVO this is no code"))
	if err := c.try(t.Context(), module); err != nil {
		t.Errorf("code that wazero does not take: %v", err)
	}
	if whole, damage := c.files.Check(name); !whole || damage != nil {
		t.Errorf("afterwards: %t, %v", whole, damage)
	}
}

// reseal puts other bytes in the place of a module's code, with the seal that fits.
func reseal(t *testing.T, c *testCompiler, name codecache.Name, module, code []byte) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(c.files.Code(), "*", "*"))
	folder, remove, err := c.files.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	relative, _ := filepath.Rel(c.files.Code(), files[0])
	path := filepath.Join(codecache.CompilerCode(folder), relative)
	err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, code, 0o600),
		codecache.Seal(folder, c.key, module), c.files.Install(folder, name))
	if err != nil {
		t.Fatal(err)
	}
}

func TestCacheFolderIsPrivate(t *testing.T) {
	root := t.TempDir()
	path := func(name string) string { return filepath.Join(root, name) }
	for _, err := range []error{os.Mkdir(path("open"), 0o755), os.WriteFile(path("file"), nil, 0o600),
		os.Mkdir(path("mine"), 0o700), os.Symlink(path("mine"), path("link"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"open": "0755: it must be 0700", "file": "is no folder",
		"link": "is no folder", "mine": "", "new/er": ""} {
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
