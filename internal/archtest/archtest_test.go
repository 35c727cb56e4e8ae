// Package archtest tests which packages import which others, as ARCHITECTURE.md describes it. It has only tests.
package archtest

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"registrar/internal/wasmtest"
)

// arrows maps each production package to those of this module that it may import. Tests may import anything.
var arrows = map[string]string{
	"":                     "internal/cli",
	"engine":               "",
	"hostfuncs":            "engine",
	"scripts":              "",
	"scripts/wasmbin":      "",
	"scripts/configschema": "scripts",
	"scripts/metering":     "scripts/wasmbin",
	"scripts/snapshot":     "scripts/wasmbin",
	"scripts/memory":       "scripts/wasmbin",
	"scripts/codecache":    "",
	"scripts/javascript":   "scripts scripts/wasmbin",
	"scripts/sandbox": "hostfuncs scripts scripts/codecache scripts/configschema scripts/javascript " +
		"scripts/memory scripts/metering scripts/snapshot scripts/wasmbin",
	"scripts/host":      "engine hostfuncs scripts scripts/sandbox",
	"server":            "engine scripts server/adminapi server/bearer server/documents internal/fetch internal/token",
	"server/adminapi":   "scripts",
	"server/documents":  "engine internal/fetch",
	"server/bearer":     "engine internal/keyset internal/token",
	"store":             "engine scripts store/groupcommit internal/token",
	"store/groupcommit": "",
	"sdk":               "",
	"sdk/go/registrar":  "",
	"internal/app": "engine scripts scripts/host server store internal/discovery internal/metrics " +
		"internal/token internal/tracing",
	"internal/cli": "engine scripts scripts/configschema scripts/host scripts/javascript scripts/sandbox " +
		"scripts/wasmbin sdk server server/adminapi server/bearer store internal/app internal/discovery " +
		"internal/fetch internal/keyset internal/metrics internal/scriptcase internal/sdnotify internal/token " +
		"internal/tracing",
	"internal/discovery":  "engine",
	"internal/fetch":      "",
	"internal/keyset":     "engine",
	"internal/metrics":    "engine scripts",
	"internal/scriptcase": "engine scripts scripts/configschema scripts/host",
	"internal/sdnotify":   "",
	"internal/token":      "engine",
	"internal/tracing":    "engine scripts",
}

// leaves are small packages that import nothing of this module but other leaves. Every package may import them.
var leaves = []string{"internal/certs", "internal/claims", "internal/displaytext", "internal/duration",
	"internal/guard", "internal/netrule", "internal/random", "internal/secretfile", "internal/strictjson",
	"internal/suggest", "internal/version"}

// testPackages are only for tests. They may import anything, and no production package may import them.
var testPackages = []string{
	"store/storetest", "store/storetest/mariadb", "store/storetest/galera", "store/storetest/child",
	"internal/servertest", "internal/wasmtest", "internal/wasmtest/hostile", "internal/wasmtest/hostile/generate",
	"internal/e2e", "internal/archtest", "internal/alloctest", "scripts/javascript/template/generate",
}

// rooms are the libraries that only some production packages may import.
var rooms = map[string]string{
	"gorm.io/":                        "store",
	"github.com/labstack/echo/":       "server",
	"github.com/tetratelabs/wazero":   "scripts/sandbox scripts/memory scripts/javascript hostfuncs",
	"github.com/evanw/esbuild":        "scripts/javascript",
	"github.com/alecthomas/kong":      "internal/cli",
	"github.com/goccy/go-yaml":        "internal/cli",
	"github.com/prometheus/":          "internal/metrics",
	"go.opentelemetry.io/":            "internal/tracing",
	"github.com/jedisct1/go-minisign": "scripts/host",
	"github.com/santhosh-tekuri/":     "scripts/configschema",
	"github.com/coreos/go-systemd/":   "internal/sdnotify",
}

// testLibraries are not in the program: their authors mean them for tests, or only bench uses them.
var testLibraries = []string{"github.com/google/go-cmp", "github.com/getkin/", "github.com/modelcontextprotocol/",
	"github.com/valyala/fasthttp", "gonum.org/", "golang.org/x/perf"}

// list returns what go list prints for patterns, a line each.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Dir = wasmtest.Root()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(strings.Lines(string(out)))
}

// inModule returns a package's path without the module's, "" for the root.
func inModule(path string) (inside string, ok bool) {
	if path == "registrar" {
		return "", true
	}
	return strings.CutPrefix(path, "registrar/")
}

func TestImportsPointOneWay(t *testing.T) {
	seen := map[string]bool{}
	for _, line := range list(t, "-f", "{{.ImportPath}}: {{join .Imports \" \"}}", "./...") {
		path, imports, _ := strings.Cut(strings.TrimSpace(line), ": ")
		path, _ = inModule(strings.TrimSuffix(path, ":"))
		allowed, known := arrows[path]
		known = known || slices.Contains(leaves, path)
		seen[path] = true
		if !known {
			if !slices.Contains(testPackages, path) && !strings.HasPrefix(path, "sdk/go/") {
				t.Errorf("%s is not in the table of arrows", path)
			}
			continue
		}
		for _, imported := range strings.Fields(imports) {
			if inside, ours := inModule(imported); ours &&
				!slices.Contains(slices.Concat(strings.Fields(allowed), leaves), inside) {
				t.Errorf("%s imports %s", path, inside)
			}
		}
	}
	for _, path := range slices.Concat(slices.Collect(maps.Keys(arrows)), leaves, testPackages) {
		if !seen[path] {
			t.Errorf("%s is in the table, but is not a package", path)
		}
	}
}

func TestLibrariesStayInTheirRooms(t *testing.T) {
	for _, line := range list(t, "-f", "{{.ImportPath}}: {{join .Imports \" \"}}", "./...") {
		path, imports, _ := strings.Cut(strings.TrimSpace(line), ": ")
		path, _ = inModule(strings.TrimSuffix(path, ":"))
		if slices.Contains(testPackages, path) {
			continue
		}
		for _, imported := range strings.Fields(imports) {
			for library, room := range rooms {
				if strings.HasPrefix(imported, library) && !slices.Contains(strings.Fields(room), path) {
					t.Errorf("%s imports %s", path, imported)
				}
			}
		}
	}
}

func TestProgramHasNoTestLibraries(t *testing.T) {
	for _, dep := range list(t, "-deps", ".") {
		for _, library := range testLibraries {
			if strings.HasPrefix(dep, library) {
				t.Errorf("the program holds %s", strings.TrimSpace(dep))
			}
		}
	}
}

// bench is a module of its own, so that go.mod lists only what registrar and its tests need.
func TestModuleDoesNotRequireWhatBenchDoes(t *testing.T) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = wasmtest.Root()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var module struct{ Require []struct{ Path string } }
	if err := json.Unmarshal(out, &module); err != nil || len(module.Require) == 0 {
		t.Fatalf("go.mod requires %v: %v", module.Require, err)
	}
	for _, required := range module.Require {
		for _, library := range []string{"gonum.org/", "codeberg.org/", "github.com/valyala/fasthttp",
			"golang.org/x/perf"} {
			if strings.HasPrefix(required.Path, library) {
				t.Errorf("go.mod requires %s, which only bench may", required.Path)
			}
		}
	}
}

func TestRootHoldsOneGoFile(t *testing.T) {
	if files := list(t, "-f", `{{join .GoFiles " "}} {{join .TestGoFiles " "}} {{join .XTestGoFiles " "}}`,
		"."); strings.TrimSpace(files[0]) != "main.go" {
		t.Errorf("the root has %s", files[0])
	}
}

// Every goroutine and timer of the program is started by a guard, so that no panic ends the process.
func TestGoroutinesAreGuarded(t *testing.T) {
	for _, line := range list(t, "-f", `{{$p := .}}{{range .GoFiles}}{{$p.ImportPath}} {{$p.Dir}}/{{.}}{{"\n"}}{{end}}`,
		"./...") {
		path, file, found := strings.Cut(strings.TrimSpace(line), " ")
		path, _ = inModule(path)
		if !found || path == "internal/guard" || slices.Contains(testPackages, path) ||
			strings.HasPrefix(path, "sdk/") {
			continue
		}
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if startsUnguarded(n) {
				t.Errorf("%s: start it through internal/guard", files.Position(n.Pos()))
			}
			return true
		})
	}
}

// startsUnguarded reports whether a node is a go statement, or a call of a function Go or AfterFunc that is not told
// which part of the server it starts.
func startsUnguarded(n ast.Node) bool {
	if _, ok := n.(*ast.GoStmt); ok {
		return true
	}
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	function, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || function.Sel.Name != "Go" && function.Sel.Name != "AfterFunc" {
		return false
	}
	return !slices.ContainsFunc(call.Args, func(argument ast.Expr) bool {
		place, ok := argument.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		from, ok := place.X.(*ast.Ident)
		return ok && from.Name == "guard"
	})
}
