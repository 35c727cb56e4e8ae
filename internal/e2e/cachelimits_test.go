package e2e

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/wasmtest"
	"registrar/server/adminapi"
)

// A disk that is full or cannot be written is no fault of the module: 503, the log says where, nothing is left behind,
// and what was compiled before goes on.
func TestCacheCannotBeWritten(t *testing.T) {
	t.Parallel()
	disk := mountDisk(t, "size=2m")
	folder, flag := t.TempDir(), "--script-cache="+filepath.Join(disk, "cache")
	p := start(t, folder, flag)
	must(t, p.command("script", "push", wasmtest.Path(t, "prefix-id"), "--deploy"))
	before := files(t, disk)

	refused := func(t *testing.T, p *process, fixture, want string) {
		t.Helper()
		_, err := p.api().Upload(t.Context(), fixture, wasmtest.Wasm(t, fixture), "")
		problem, ok := errors.AsType[*adminapi.Problem](err)
		if !ok || problem.Status != http.StatusServiceUnavailable {
			t.Errorf("uploading: got %v, want 503", err)
		}
		eventually(t, "the log says "+want+" and "+disk, func() bool {
			return strings.Contains(p.log.String(), want) && strings.Contains(p.log.String(), disk)
		})
		if after := files(t, disk); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("there are %q, before there were %q", after, before)
		}
		if r := p.register(minimal); !strings.HasPrefix(r.ClientID, "acme-") {
			t.Errorf("registering: %d %s %s", r.status, r.ClientID, r.Error)
		}
		p.alive()
	}
	t.Run("full", func(t *testing.T) {
		refused(t, p, "go-prefix-id", "no space left on device")
		if _, err := p.api().Upload(t.Context(), "small", wasmtest.Wasm(t, "custom-secret"), ""); err != nil {
			t.Errorf("what fits: %v", err)
		}
		before = files(t, disk)
	})
	t.Run("read-only", func(t *testing.T) {
		makeReadOnly(t, disk)
		refused(t, p, "id-and-secret", "read-only file system")
		p.stop()
		refused(t, start(t, folder, flag), "id-and-secret", "read-only file system")
	})
}

// files returns the files below a folder, and their sizes.
func files(t *testing.T, folder string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			list = append(list, fmt.Sprintf("%s (%d)", path, info.Size()))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// One module is compiled at a time. Eight more wait, and who comes then is told to come again; the server does not
// mind.
func TestCompilationsWait(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), "--script-cache="+filepath.Join(t.TempDir(), "cache"))
	api := p.api()
	const uploads = 30
	var mu sync.Mutex
	done, denied := 0, 0
	var wg sync.WaitGroup
	for i := range uploads {
		wasm := withTypes(t, wasmtest.Wasm(t, "rust-command"), i+1) // so that each is compiled
		wg.Go(func() {
			_, err := api.Upload(context.WithoutCancel(t.Context()), "rust", wasm, "")
			problem, isProblem := errors.AsType[*adminapi.Problem](err)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				done++
			case isProblem && problem.Status == http.StatusServiceUnavailable:
				denied++
			default:
				t.Errorf("uploading: %v", err)
			}
		})
	}
	most := 0
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	for waiting := true; waiting; {
		select {
		case <-ended:
			waiting = false
		case <-time.After(20 * time.Millisecond):
			most = max(most, children(t, p.cmd.Process.Pid))
			if status := p.register(minimal).status; status != http.StatusCreated {
				t.Errorf("registering meanwhile: %d", status)
			}
		}
	}
	if done < 9 || denied == 0 || done+denied != uploads {
		t.Errorf("%d of %d uploads were taken and %d denied: want nine taken at least, and some denied", done, uploads,
			denied)
	}
	if most != 1 {
		t.Errorf("%d children ran at once, want 1", most)
	}
	p.alive()
}

// children returns how many children a process has.
func children(t *testing.T, pid int) int {
	t.Helper()
	lists, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "children"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, path := range lists {
		b, _ := os.ReadFile(path) // a thread may have ended meanwhile
		n += len(strings.Fields(string(b)))
	}
	return n
}
