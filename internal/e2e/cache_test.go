package e2e

import (
	"bytes"
	"context"
	leb "encoding/binary" // binary is the program here
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/wasmbin"
	"registrar/server/adminapi"
)

// rounds returns how often a test does what it does: few, or as often as the environment says.
func rounds(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("REGISTRAR_TEST_ROUNDS")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// api returns a client of the server's admin API.
func (p *process) api() *adminapi.API {
	p.t.Helper()
	token, err := os.ReadFile(filepath.Join(p.folder, "registrar.token"))
	if err != nil {
		p.t.Fatal(err)
	}
	return &adminapi.API{Base: p.admin, Token: strings.TrimSpace(string(token)), HTTP: &http.Client{Timeout: 3 * time.Minute}}
}

// alive fails where the server has ended, or a panic was caught in it.
func (p *process) alive() {
	p.t.Helper()
	select {
	case <-p.exited:
		p.t.Fatalf("the server ended: %v\n%s", p.cmd.ProcessState, tail(p.log.String()))
	default:
	}
	if strings.Contains(p.log.String(), "panic") {
		p.t.Fatalf("there was a panic:\n%s", tail(p.log.String()))
	}
}

// withTypes returns a module with so many more types, whose entry code takes wazero long to make.
func withTypes(t *testing.T, wasm []byte, n int) []byte {
	t.Helper()
	m, err := wasmbin.Decode(wasm)
	if err != nil {
		t.Fatal(err)
	}
	section := m.Sections[0]
	if section.ID != wasmbin.SectionType {
		t.Fatal("the first section is not that of types")
	}
	count, width := leb.Uvarint(section.Content.In(wasm))
	content := leb.AppendUvarint(nil, count+uint64(n))
	content = append(content, section.Content.In(wasm)[width:]...)
	content = append(content, bytes.Repeat([]byte("\x60\x00\x01\x7f"), n)...)
	out := append(bytes.Clone(wasm[:section.Range.Start]), byte(wasmbin.SectionType))
	out = leb.AppendUvarint(out, uint64(len(content)))
	out = append(out, content...)
	return append(out, wasm[section.Range.End:]...)
}

// withNote returns a module with a custom section, so that it has another digest and the same code.
func withNote(wasm []byte, note string) []byte {
	content := append(leb.AppendUvarint(nil, 1), 'n')
	content = append(content, note...)
	out := append(bytes.Clone(wasm), 0)
	out = leb.AppendUvarint(out, uint64(len(content)))
	return append(out, content...)
}

var minimalValue = jsontext.Value(minimal)

// However many load a module at once that nobody has loaded, and whose code is on the disk, the server lives on and all
// get an answer.
func TestManyFirstLoadsAtOnce(t *testing.T) {
	p := start(t, t.TempDir(), "--script-cache="+filepath.Join(t.TempDir(), "cache"))
	api := p.api()
	prefix := wasmtest.Wasm(t, "prefix-id")
	for _, types := range []int{80, 9_900} {
		t.Run(fmt.Sprint(types), func(t *testing.T) {
			wasm := withTypes(t, prefix, types)
			m, err := api.Upload(t.Context(), "many-types", wasm, "")
			if err != nil {
				t.Fatal(err)
			}
			list := []scripts.Script{{Name: "many-types", Module: m.Digest}}
			for round := range rounds(t, 6) {
				var wg sync.WaitGroup
				try := func(what string, f func() error) {
					wg.Go(func() {
						if err := f(); err != nil {
							t.Errorf("%s: %v", what, err)
						}
					})
				}
				for range 12 {
					try("dry run", func() error {
						run, err := api.DryRun(t.Context(), adminapi.DryRun{Request: minimalValue, Scripts: list})
						if err == nil && run.Outcome != scripts.OutcomeRegistered {
							err = fmt.Errorf("outcome %s", run.Outcome)
						}
						return err
					})
				}
				note := fmt.Sprint(types, round)
				try("upload", func() error { _, err := api.Upload(t.Context(), "many-types", wasm, ""); return err })
				try("another upload", func() error { _, err := api.Upload(t.Context(), "many-types", withNote(wasm, note), ""); return err })
				try("deploy", func() error { _, err := api.Deploy(t.Context(), adminapi.NewDeployment{Scripts: list}); return err })
				try("replay", func() error {
					_, err := api.Replay(t.Context(), adminapi.Replay{Scripts: list, Last: 5}, nil)
					return err
				})
				wg.Wait()
				// Nobody has it loaded in the next round.
				if _, err := api.Deploy(t.Context(), adminapi.NewDeployment{Scripts: []scripts.Script{}}); err != nil {
					t.Fatal(err)
				}
				if p.alive(); t.Failed() {
					return
				}
			}
		})
	}
}

// A codeFiles is the folder of compiled modules of one script.
type codeFiles struct {
	t      *testing.T
	folder string
}

func (c codeFiles) one(pattern string) string {
	c.t.Helper()
	files, err := filepath.Glob(filepath.Join(c.folder, pattern))
	if err != nil || len(files) != 1 {
		c.t.Fatalf("%s: got %q, %v, want one file", pattern, files, err)
	}
	return files[0]
}

func (c codeFiles) code() string { return c.one("code-*/code/*/*") }
func (c codeFiles) seal() string { return c.one("code-*/seals/*") }

// damages returns what may become of a file: a bit is flipped in each region, it is cut there, or empty, or longer.
func damages(b []byte, regions int) map[string][]byte {
	all := map[string][]byte{"empty": {}, "longer": append(bytes.Clone(b), b...)}
	for i := range regions {
		at := i * (len(b) - 1) / (regions - 1)
		flipped := bytes.Clone(b)
		flipped[at] ^= 1 << (i % 8)
		all[fmt.Sprintf("flipped at %d", at)] = flipped
		all[fmt.Sprintf("cut at %d", at)] = b[:at]
	}
	return all
}

// Code that is damaged on the disk is compiled again, by a server that runs and by one that starts, and clients register
// all the time.
func TestDamagedCacheHeals(t *testing.T) {
	cache := codeFiles{t, filepath.Join(t.TempDir(), "cache")}
	folder, flag := t.TempDir(), "--script-cache="+cache.folder
	p := start(t, folder, flag)
	must(t, p.command("script", "push", wasmtest.Path(t, "prefix-id"), "--deploy"))
	current, err := p.api().CurrentDeployment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	scripted := func(t *testing.T, p *process) {
		t.Helper()
		if r := p.register(minimal); r.status != http.StatusCreated || !strings.HasPrefix(r.ClientID, "acme-") {
			t.Errorf("registering: %d %s %s", r.status, r.ClientID, r.Error)
		}
		p.alive()
	}
	whole := map[string][]byte{}
	for _, file := range []string{cache.code(), cache.seal()} {
		if whole[file], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	// each calls f with each damage done, and sees that it is mended.
	each := func(t *testing.T, regions int, f func(t *testing.T)) {
		for file, b := range whole {
			for name, damaged := range damages(b, regions) {
				t.Run(filepath.Base(filepath.Dir(file))+" "+name, func(t *testing.T) {
					if err := os.WriteFile(file, damaged, 0o600); err != nil {
						t.Fatal(err)
					}
					f(t)
					if now, err := os.ReadFile(file); err != nil || len(now) != len(b) || bytes.Equal(now, damaged) {
						t.Errorf("afterwards the file has %d bytes, %v, want %d", len(now), err, len(b))
					}
				})
			}
		}
	}
	t.Run("running", func(t *testing.T) {
		each(t, rounds(t, 24), func(t *testing.T) {
			run, err := p.api().DryRun(t.Context(), adminapi.DryRun{Request: minimalValue, Scripts: current.Scripts})
			if err != nil || run.Outcome != scripts.OutcomeRegistered {
				t.Errorf("dry run: %v, %v", run.Outcome, err)
			}
			scripted(t, p)
		})
	})
	p.stop()
	t.Run("restarted", func(t *testing.T) {
		each(t, rounds(t, 6), func(t *testing.T) {
			p := start(t, folder, flag)
			scripted(t, p)
			if p.logged("the code of a module is not as it was compiled: it is compiled again") == nil {
				t.Error("the log does not say so")
			}
			p.stop()
		})
	})
}

// Code of another program or machine is not used: neither that of a machine with fewer CPU features, nor where somebody
// moved it to the folder of this one. It stays for those that it is for.
func TestCacheOfAnotherMachine(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("it switches off features of amd64")
	}
	cache, folder := filepath.Join(t.TempDir(), "cache"), t.TempDir()
	scripted := func(p *process) {
		t.Helper()
		if r := p.register(minimal); r.status != http.StatusCreated || !strings.HasPrefix(r.ClientID, "acme-") {
			t.Errorf("registering: %d %s %s\n%s", r.status, r.ClientID, r.Error, tail(p.log.String()))
		}
		p.alive()
	}
	p := start(t, folder, "--script-cache="+cache)
	must(t, p.command("script", "push", wasmtest.Path(t, "prefix-id"), "--deploy"))
	p.stop()
	first := codeFiles{t, cache}.one("code-*")

	t.Setenv("GODEBUG", "cpu.bmi1=off")
	p = start(t, folder, "--script-cache="+cache)
	scripted(p)
	p.stop()
	keys, _ := filepath.Glob(filepath.Join(cache, "code-*"))
	if len(keys) != 2 {
		t.Fatalf("there are the folders %q, want two", keys)
	}
	second := keys[0]
	if second == first {
		second = keys[1]
	}
	if err := errors.Join(os.RemoveAll(second), os.Rename(first, second)); err != nil {
		t.Fatal(err)
	}
	p = start(t, folder, "--script-cache="+cache)
	scripted(p)
	if p.logged("the code of a module is not as it was compiled: it is compiled again") == nil {
		t.Error("the log does not say that the code is of another machine")
	}
	p.stop()
}

// A disk that is full or cannot be written is no fault of the module: 503, the log says where, nothing is left behind, and
// what was compiled before goes on.
func TestCacheCannotBeWritten(t *testing.T) {
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("mounting a small disk: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", disk).Run() })
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
		if out, err := exec.Command("mount", "-o", "remount,ro", disk).CombinedOutput(); err != nil {
			t.Skipf("mounting it read-only: %v: %s", err, out)
		}
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

// One module is compiled at a time. Eight more wait, and who comes then is told to come again; the server does not mind.
func TestCompilationsWait(t *testing.T) {
	p := start(t, t.TempDir(), "--script-cache="+filepath.Join(t.TempDir(), "cache"))
	api := p.api()
	const uploads = 14
	var mu sync.Mutex
	done, denied := 0, 0
	var wg sync.WaitGroup
	for i := range uploads {
		wasm := wasmtest.Wasm(t, "go-prefix-id")
		wasm = withTypes(t, wasm, i+1) // so that each is compiled
		wg.Go(func() {
			_, err := api.Upload(context.WithoutCancel(t.Context()), "go", wasm, "")
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
		t.Errorf("%d uploads were taken and %d denied, of %d: want nine taken at least, and some denied", done, denied, uploads)
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
