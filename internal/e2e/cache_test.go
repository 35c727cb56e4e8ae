package e2e

import (
	"bytes"
	leb "encoding/binary" // binary is the program here
	"errors"
	"fmt"
	"net/http"
	"os"
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
	return &adminapi.API{Base: p.admin, Token: strings.TrimSpace(string(token)),
		HTTP: &http.Client{Timeout: 3 * time.Minute}}
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

// Any number of requests may load a module for the first time at once, with its code on the disk: all are answered, and
// the server lives on.
func TestManyFirstLoadsAtOnce(t *testing.T) {
	t.Parallel()
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
				upload := func(wasm []byte) func() error {
					return func() error { _, err := api.Upload(t.Context(), "many-types", wasm, ""); return err }
				}
				try("upload", upload(wasm))
				try("another upload", upload(withNote(wasm, note)))
				try("deploy", func() error {
					_, err := api.Deploy(t.Context(), adminapi.NewDeployment{Scripts: list})
					return err
				})
				try("replay", func() error {
					_, err := api.Replay(t.Context(), adminapi.Replay{Scripts: list, Last: 5}, nil)
					return err
				})
				wg.Wait()
				// No deployment has it loaded in the next round.
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

// A codeFiles is the folder of compiled modules.
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

// read returns the content of all files but those.
func (c codeFiles) read(others map[string][]byte) map[string][]byte {
	c.t.Helper()
	content := map[string][]byte{}
	for _, pattern := range []string{"code-*/code/*/*", "code-*/seals/*"} {
		files, err := filepath.Glob(filepath.Join(c.folder, pattern))
		if err != nil {
			c.t.Fatal(err)
		}
		for _, file := range files {
			if others[file] != nil {
				continue
			}
			if content[file], err = os.ReadFile(file); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	if len(content) != 2 {
		c.t.Fatalf("there are %d files of one module, want its code and its seal", len(content))
	}
	return content
}

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

// Code that is damaged on the disk is compiled again, by a server that runs and loads it for a dry run, and by one that
// starts. Clients register all the time.
func TestDamagedCacheHeals(t *testing.T) {
	t.Parallel()
	cache := codeFiles{t, filepath.Join(t.TempDir(), "cache")}
	folder, flag := t.TempDir(), "--script-cache="+cache.folder
	p := start(t, folder, flag)
	// A module in force is in memory, and not read again.
	tried, err := p.api().Upload(t.Context(), "wrap-id", wasmtest.Wasm(t, "wrap-id"), "")
	if err != nil {
		t.Fatal(err)
	}
	ofTried := cache.read(nil)
	must(t, p.command("script", "push", wasmtest.Path(t, "prefix-id"), "--deploy"))
	ofDeployed := cache.read(ofTried)
	scripted := func(t *testing.T, p *process) {
		t.Helper()
		if r := p.register(minimal); r.status != http.StatusCreated || !strings.HasPrefix(r.ClientID, "acme-") {
			t.Errorf("registering: %d %s %s", r.status, r.ClientID, r.Error)
		}
		p.alive()
	}
	// each calls f with each damage done, and sees that it is mended.
	each := func(t *testing.T, whole map[string][]byte, regions int, f func(t *testing.T)) {
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
		list := []scripts.Script{{Name: "wrap-id", Module: tried.Digest}}
		each(t, ofTried, rounds(t, 24), func(t *testing.T) {
			run, err := p.api().DryRun(t.Context(), adminapi.DryRun{Request: minimalValue, Scripts: list})
			if err != nil || run.Outcome != scripts.OutcomeRegistered {
				t.Errorf("dry run: %v, %v", run.Outcome, err)
			}
			scripted(t, p)
		})
	})
	p.stop()
	t.Run("restarted", func(t *testing.T) {
		each(t, ofDeployed, rounds(t, 6), func(t *testing.T) {
			p := start(t, folder, flag)
			scripted(t, p)
			if p.logged("the code of a module is not as it was compiled: it is compiled again") == nil {
				t.Error("the log does not say so")
			}
			p.stop()
		})
	})
}

// Code of another program or machine is not used, not even if it was moved to this one's folder. It stays for the
// program and machine that made it.
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
