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

// A command is a command of the specification's test suite, as wast2json writes it.
type command struct {
	Type     string
	Filename string // of the module
	Text     string // expected error, in the words of the reference interpreter
}

// coreSuites are the suites of WebAssembly 1.0 and 2.0, with the number of valid modules that are not accepted, by the
// end of the error. All malformed modules are rejected.
var coreSuites = map[string]map[string]int{
	"v1": {},
	"v2": {"table.grow: not accepted: tables never grow": 8},
}

// proposalSuites are the suites of proposals. Their valid modules are accepted, or rejected as unsupported.
var proposalSuites = []string{"exception-handling", "extended-const", "tail-call", "threads",
	"typed-function-references"}

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
				t.Errorf("valid modules that are rejected, by the end of the error (-want +got):\n%s", diff)
			}
			if valid < 800 || malformed < 100 {
				t.Errorf("found %d valid and %d malformed modules, want at least 800 and 100", valid, malformed)
			}
		})
	}
}

// allowed reports whether an invalid module may be accepted: if the values on the stack are wrong, which the runtime
// checks, or if it is valid in WebAssembly 2.0.
func allowed(suite, text string) bool {
	return text == "type mismatch" || text == "invalid result arity" || suite == "v1" && text == "multiple tables"
}

// choice returns the end of the error for a valid module that is not accepted: the instruction and the reason.
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
				t.Errorf("found %d valid modules, want at least 5", valid)
			}
		})
	}
}

// mustDecode reports whether the module of a command is valid.
func mustDecode(c command) bool {
	return slices.Contains([]string{"module", "assert_unlinkable", "assert_uninstantiable"}, c.Type)
}

// commands returns the commands of a suite that have a binary module, by its file.
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

// compiled are modules that compilers wrote: their files in wazero's folder, by compiler.
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
			t.Errorf("got %d functions, want at least 1000", len(m.Functions))
		}
	})
}

// TestAllModules decodes all modules in wazero's folder. They may be valid or not.
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
		t.Errorf("found %d modules and accepted %d, want at least 1000", files, accepted)
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

// wazeroFolder returns wazero's folder in the module cache. Its tests contain the suites and modules of many compilers.
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
		t.Fatalf("walking %s: %v", root, err)
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
