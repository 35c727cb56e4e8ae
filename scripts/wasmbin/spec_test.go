package wasmbin

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A command is a line of the specification's test suite, as wast2json writes it. Its module is a file beside it.
type command struct {
	Type     string
	Filename string
	Text     string // what is wrong with the module, in the words of the reference interpreter
}

// The suites of WebAssembly 1.0 and 2.0, and how many of their valid modules we refuse, by what is said of them: a choice
// of ours, not a mistake of theirs. All that the suites call malformed is refused.
var coreSuites = map[string]map[string]int{
	"v1": {},
	"v2": {"table.grow: not accepted: tables never grow": 8},
}

// The suites of proposals. Their modules are valid, so we either read them or say that they are not supported.
var proposalSuites = []string{"exception-handling", "extended-const", "tail-call", "threads", "typed-function-references"}

func TestSpecificationModules(t *testing.T) {
	root := filepath.Join(wazeroFolder(t), "internal", "integration_test", "spectest")
	for suite, unsupported := range coreSuites {
		t.Run(suite, func(t *testing.T) {
			valid, malformed, refused := 0, 0, map[string]int{}
			for file, c := range commands(t, filepath.Join(root, suite)) {
				b := readFile(t, file)
				m, err := Decode(b)
				switch {
				case mustDecode(c):
					valid++
					if err == nil {
						checkDecoded(t, b, m)
					} else {
						refused[choice(t, file, err)]++
					}
				case err != nil:
					asError(t, err)
				case !allowed(suite, c.Text):
					t.Errorf("%s: accepted, want an error: %s", file, c.Text)
				}
				if c.Type == "assert_malformed" {
					malformed++
				}
			}
			if diff := cmp.Diff(unsupported, refused); diff != "" {
				t.Errorf("valid modules that are refused, by what is said of them (-want +got):\n%s", diff)
			}
			if valid < 800 || malformed < 100 {
				t.Errorf("found %d valid and %d malformed modules, want 800 and 100 or more", valid, malformed)
			}
		})
	}
}

// allowed tells what makes a module invalid, not malformed, and is accepted: types of values and their number, which the
// runtime checks, and what is invalid in WebAssembly 1.0 but not in 2.0.
func allowed(suite, text string) bool {
	return text == "type mismatch" || text == "invalid result arity" || suite == "v1" && text == "multiple tables"
}

// choice is the end of what is said of a valid module that is not accepted: the instruction and the reason.
func choice(t *testing.T, file string, err error) string {
	t.Helper()
	e := asError(t, err)
	if !e.Unsupported {
		t.Errorf("%s: got %v, want it accepted or unsupported", file, err)
	}
	parts := strings.Split(e.Message, ": ")
	return strings.Join(parts[max(0, len(parts)-3):], ": ")
}

func TestProposalModules(t *testing.T) {
	root := filepath.Join(wazeroFolder(t), "internal", "integration_test", "spectest")
	for _, suite := range proposalSuites {
		t.Run(suite, func(t *testing.T) {
			valid := 0
			for file, c := range commands(t, filepath.Join(root, suite)) {
				b := readFile(t, file)
				m, err := Decode(b)
				switch {
				case err == nil:
					checkDecoded(t, b, m)
				case mustDecode(c) && !asError(t, err).Unsupported:
					t.Errorf("%s: got %v, want it accepted or unsupported", file, err)
				}
				if mustDecode(c) {
					valid++
				}
			}
			if valid < 5 {
				t.Errorf("found %d valid modules, want 5 or more", valid)
			}
		})
	}
}

// mustDecode tells whether the command is about a valid module.
func mustDecode(c command) bool {
	return slices.Contains([]string{"module", "assert_unlinkable", "assert_uninstantiable"}, c.Type)
}

// commands are those of a suite that name a binary module, by its file.
func commands(t *testing.T, suite string) map[string]command {
	t.Helper()
	found := map[string]command{}
	walk(t, suite, ".json", func(file string) {
		var script struct{ Commands []command }
		if err := json.Unmarshal(readFile(t, file), &script); err != nil {
			t.Fatalf("reading %s: %v", file, err)
		}
		for _, c := range script.Commands {
			if strings.HasSuffix(c.Filename, ".wasm") {
				found[filepath.Join(filepath.Dir(file), c.Filename)] = c
			}
		}
	})
	return found
}

// Modules that come out of a compiler, by their file in wazero's folder.
var compiled = map[string]string{
	"AssemblyScript": "imports/assemblyscript/example/testdata/index.wasm",
	"C, by zig cc":   "imports/wasi_snapshot_preview1/testdata/zig-cc/wasi.wasm",
	"C++, by emcc":   "imports/emscripten/testdata/grow.wasm",
	"Rust, by cargo": "imports/wasi_snapshot_preview1/testdata/cargo-wasi/wasi.wasm",
	"TinyGo":         "examples/allocation/tinygo/testdata/greet.wasm",
	"Zig":            "imports/wasi_snapshot_preview1/testdata/zig/wasi.wasm",
}

func TestCompiledModules(t *testing.T) {
	root := wazeroFolder(t)
	for name, file := range compiled {
		t.Run(name, func(t *testing.T) {
			b := readFile(t, filepath.Join(root, file))
			m, err := Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			checkDecoded(t, b, m)
			if e, ok := m.ExportNamed("memory"); !ok || e.Kind != KindMemory {
				t.Errorf("export named memory: got %+v, %t", e, ok)
			}
		})
	}
	t.Run("Go", func(t *testing.T) {
		b := buildGo(t)
		m, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		checkDecoded(t, b, m)
		e, _ := m.ExportNamed("add_client_id")
		if f, _ := m.FuncType(e.Index); e.Kind != KindFunction || f.String() != "() -> (i32)" {
			t.Errorf("export named add_client_id: got %+v of type %s", e, f)
		}
		if len(m.Functions) < 1000 {
			t.Errorf("got %d functions, want more than 1000", len(m.Functions))
		}
	})
}

// TestAllModules goes over whatever else there is: it is not for us to say which of these are valid.
func TestAllModules(t *testing.T) {
	files, accepted := 0, 0
	walk(t, wazeroFolder(t), ".wasm", func(file string) {
		files++
		b := readFile(t, file)
		m, err := Decode(b)
		if err != nil {
			asError(t, err)
			return
		}
		accepted++
		checkDecoded(t, b, m)
	})
	if files < 1000 || accepted < 1000 {
		t.Errorf("found %d modules and accepted %d, want 1000 or more", files, accepted)
	}
}

func BenchmarkDecode(b *testing.B) {
	large := buildGo(b)
	b.SetBytes(int64(len(large)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(large); err != nil {
			b.Fatal(err)
		}
	}
}

// buildGo compiles a script with standard Go.
func buildGo(t testing.TB) []byte {
	t.Helper()
	const source = `package main

import (
	"encoding/json"
	"fmt"
)

//go:wasmexport add_client_id
func addClientID() int32 {
	var v any
	fmt.Println(json.Unmarshal([]byte("{}"), &v))
	return 0
}

func main() {}
`
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-buildmode=c-shared", "-o", "script.wasm", "main.go")
	build.Dir = folder
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GO111MODULE=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building a script: %v\n%s", err, out)
	}
	return readFile(t, filepath.Join(folder, "script.wasm"))
}

// wazeroFolder is where the module cache has wazero: its tests bring the suite and what many compilers make.
func wazeroFolder(t testing.TB) string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero")
	out, err := list.Output()
	folder := strings.TrimSpace(string(out))
	if err != nil || folder == "" {
		t.Fatalf("finding wazero's folder: got %q, %v", folder, err)
	}
	return folder
}

func walk(t testing.TB, root, suffix string, visit func(file string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, suffix) {
			visit(path)
		}
		return err
	})
	if err != nil {
		t.Fatalf("going over %s: %v", root, err)
	}
}

func readFile(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
