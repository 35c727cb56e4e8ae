package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows are the packages of this module that each one may import, as ARCHITECTURE.md draws them. Tests may import
// more.
var arrows = map[string][]string{
	"registrar":                         {"registrar/internal/cli"},
	"registrar/engine":                  {},
	"registrar/scripts":                 {},
	"registrar/scripts/wasmbin":         {},
	"registrar/scripts/metering":        {"registrar/scripts/wasmbin"},
	"registrar/scripts/snapshot":        {"registrar/scripts/wasmbin"},
	"registrar/scripts/memory":          {},
	"registrar/hostfuncs":               {"registrar/engine"},
	"registrar/scripts/host":            {"registrar/engine", "registrar/hostfuncs", "registrar/scripts", "registrar/scripts/memory", "registrar/scripts/metering", "registrar/scripts/snapshot", "registrar/scripts/wasmbin"},
	"registrar/store/groupcommit":       {},
	"registrar/store":                   {"registrar/engine", "registrar/scripts", "registrar/store/groupcommit"},
	"registrar/store/storetest":         {"registrar/engine", "registrar/scripts", "registrar/store", "registrar/store/storetest/mariadb"},
	"registrar/store/storetest/mariadb": {"registrar/store/storetest/child"},
	"registrar/store/storetest/child":   {},
	"registrar/sdk":                     {},
	"registrar/sdk/go/registrar":        {},
	"registrar/server/adminapi":         {"registrar/scripts"},
	"registrar/server":                  {"registrar/engine", "registrar/scripts", "registrar/server/adminapi", "registrar/server/bearer"},
	"registrar/server/bearer":           {"registrar/engine", "registrar/internal/keyset"},
	"registrar/internal/metrics":        {"registrar/scripts"},
	"registrar/internal/fetch":          {},
	"registrar/internal/keyset":         {"registrar/engine"},
	"registrar/internal/discovery":      {"registrar/engine"},
}

// rooms are the libraries that only some packages may know.
var rooms = map[string][]string{
	"gorm.io/":                      {"registrar/store", "registrar/store/storetest", "registrar"},
	"github.com/labstack/echo/":     {"registrar/server", "registrar"},
	"github.com/tetratelabs/wazero": {"registrar/scripts/host", "registrar/scripts/memory", "registrar/hostfuncs", "registrar"},
	"github.com/alecthomas/kong":    {"registrar"},
	"github.com/prometheus/":        {"registrar/internal/metrics", "registrar"},
	"github.com/schollz/":           {"registrar"},
	"github.com/getkin/":            {}, // tests alone
	"github.com/valyala/fasthttp":   {}, // bench alone
	"gonum.org/":                    {}, // bench alone
	"golang.org/x/perf":             {}, // bench alone
}

func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}}: {{join .Imports \" \"}}", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		path, imports, _ := strings.Cut(strings.TrimSpace(line), ": ")
		seen[path] = true
		allowed, known := arrows[path]
		if !known && path != "registrar" && !strings.HasPrefix(path, "registrar/bench") {
			t.Errorf("%s is not in the table of arrows", path)
		}
		for _, imported := range strings.Fields(imports) {
			if known && strings.HasPrefix(imported, "registrar/") && !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s", path, imported)
			}
		}
	}
	for path := range arrows {
		if !seen[path] {
			t.Errorf("%s is in the table of arrows, but is no package", path)
		}
	}
}

func TestLibrariesStayInTheirRooms(t *testing.T) {
	for path := range arrows {
		out, err := exec.Command("go", "list", "-deps", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		for dep := range strings.Lines(string(out)) {
			for library, owners := range rooms {
				if strings.HasPrefix(dep, library) && !slices.Contains(owners, path) {
					t.Errorf("%s reaches %s", path, strings.TrimSpace(dep))
				}
			}
		}
	}
}
