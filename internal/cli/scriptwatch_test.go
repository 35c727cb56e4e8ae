package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/wasmtest"
)

// A lockedBuffer collects what a command prints while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// With --watch, a change of a case runs all again, and an error of the files is printed and mended.
func TestScriptTestWatches(t *testing.T) {
	t.Parallel()
	folder := caseFolder(t, map[string]string{"cases/a.txtar": plainRequest + registers})
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out, err lockedBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"script", "test", folder, "--watch", "--script-timeout=1m"},
			&console{out: &out, err: &err})
	}()
	awaitTimes := func(n int, b *lockedBuffer, want string) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); strings.Count(b.String(), want) < n; {
			if time.Now().After(deadline) {
				t.Fatalf("it does not print %q, but %q and %q", want, out.String(), err.String())
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	await := func(b *lockedBuffer, want string) { t.Helper(); awaitTimes(1, b, want) }
	await(&err, "has no .wasm, .js or .ts file: use --wasm\nwatching ")
	wasm, readErr := os.ReadFile(wasmtest.Path(t, "prefix-id"))
	if readErr != nil {
		t.Fatal(readErr)
	}
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("prefix-id.wasm", wasm)
	await(&out, "1 passed, 0 failed")
	write("cases/b.txtar", []byte(plainRequest+"-- expect.json --\n"+`{"outcome":"refused"}`))
	await(&out, "1 passed, 1 failed")
	awaitTimes(3, &err, "watching ") // the run is complete
	interrupt()
	if code := <-ended; code != exitFailed {
		t.Errorf("exit code %d after a run with a failure", code)
	}
}

func TestScriptTestWatchRefusesWrongFlags(t *testing.T) {
	r := runHere(t, "script", "test", t.TempDir(), "--watch", "--grant-types=nonsense,")
	if r.code != exitUsage {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}
