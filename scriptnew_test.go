package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"registrar/scripts"
	"registrar/sdk"
)

// needs skips the test where a program is missing; where the project itself is tested, that fails.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
}

// makeProject runs make for a script's project, with what the caller's environment says of Go and make left out.
func makeProject(t *testing.T, folder string) {
	t.Helper()
	compiler, err := filepath.Abs("sdk/assemblyscript/node_modules/.bin/asc") // which a project would install
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("make")
	cmd.Dir = folder
	// No network: a project has all it needs.
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOEXPERIMENT=", "GOTOOLCHAIN=local", "MAKEFLAGS=", "CARGO=/usr/bin/cargo", "RUSTC=/usr/bin/rustc", "ASC="+compiler)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
}

func TestScriptNew(t *testing.T) {
	for _, tt := range []struct {
		lang      string
		compilers []string
		files     []string
	}{
		{"go", []string{"go"}, []string{"Makefile", "README.md", "cases/allowed.txtar", "go.mod", "main.go", "registrar/registrar.go"}},
		{"rust", []string{"/usr/bin/cargo", "/usr/bin/rustc"}, []string{"Makefile", "README.md", "cases/allowed.txtar", "registrar/src/lib.rs"}},
		{"c", []string{"clang", "wasm-ld"}, []string{"Makefile", "README.md", "cases/allowed.txtar", "script.c", "registrar.h"}},
	} {
		t.Run(tt.lang, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "new", "script")
			if r := must(t, runHere(t, "script", "new", "--lang", tt.lang, folder)); !strings.Contains(r.out, folder) {
				t.Errorf("it says %q", r.out)
			}
			for _, file := range tt.files {
				if _, err := os.Stat(filepath.Join(folder, filepath.FromSlash(file))); err != nil {
					t.Error(err)
				}
			}
			needs(t, append(tt.compilers, "make")...)
			makeProject(t, folder)
			modules, err := filepath.Glob(filepath.Join(folder, "*.wasm"))
			if err != nil || len(modules) != 1 {
				t.Fatalf("make built %v, want one module", modules)
			}
			must(t, runHere(t, "script", "inspect", modules[0]))

			request := write(t, "request.json", minimal)
			d := dryRun(t, 0, modules[0], "--request", request, `--config-json={"redirect_uris":["https://app.example/cb"]}`)
			if d.Outcome != scripts.OutcomeRegistered {
				t.Errorf("what the config allows is %s", d.Outcome)
			}
			d = dryRun(t, 1, modules[0], "--request", request, `--config-json={"redirect_uris":["https://app.example/other"]}`)
			if d.Outcome != scripts.OutcomeRefused || d.Error == nil || !strings.Contains(d.Error.Description, "not allowed here") {
				t.Errorf("what the config does not allow is %s: %+v", d.Outcome, d.Error)
			}
		})
	}
}

func TestScriptNewRefuses(t *testing.T) {
	full := filepath.Dir(write(t, "file", "kept"))
	file := write(t, "file", "kept")
	missing := filepath.Join(t.TempDir(), "missing")
	for _, tt := range []struct {
		name, lang, folder string
		code               int
		says               string
	}{
		{"a language that there is none of", "cobol", missing, exitUsage, "--lang cobol: there is no template; there is one for go"},
		{"a path in place of a language", "go/template", missing, exitUsage, "there is no template"},
		{"a folder with a file in it", "go", full, exitUsage, "is not empty"},
		{"a file", "go", file, exitFailed, "not a directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := runHere(t, "script", "new", "--lang", tt.lang, tt.folder)
			if r.code != tt.code || !strings.Contains(r.err, tt.says) {
				t.Errorf("exit code %d, want %d; it says %q, want %q", r.code, tt.code, r.err, tt.says)
			}
		})
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a refused language left a folder")
	}
	if entries, err := os.ReadDir(full); err != nil || len(entries) != 1 {
		t.Errorf("the full folder holds %v", entries)
	}
}

func TestScriptNewTakesAnEmptyFolder(t *testing.T) {
	must(t, runHere(t, "script", "new", "--lang=go", t.TempDir()))
}

// A language is there once its template is.
func TestNewProject(t *testing.T) {
	files := fstest.MapFS{}
	for _, name := range []string{"go/registrar/x.go", "assemblyscript/template/Makefile", "assemblyscript/template/assembly/index.ts.tmpl",
		"assemblyscript/registrar/index.ts", "assemblyscript/registrar/x_test.go"} {
		files[name] = &fstest.MapFile{Data: []byte(name)}
	}
	if diff := cmp.Diff([]string{"as"}, languages(files)); diff != "" {
		t.Error(diff)
	}
	if _, err := newProject(files, "go"); err == nil || !strings.HasSuffix(err.Error(), "there is one for as") {
		t.Errorf("got %v", err)
	}
	got, err := newProject(files, "as")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{
		"Makefile":           []byte("assemblyscript/template/Makefile"),
		"assembly/index.ts":  []byte("assemblyscript/template/assembly/index.ts.tmpl"),
		"registrar/index.ts": []byte("assemblyscript/registrar/index.ts"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Each template has cases, and a project of it holds no test of the SDK and no module.
func TestTemplates(t *testing.T) {
	for _, lang := range languages(sdk.Files()) {
		project, err := newProject(sdk.Files(), lang)
		if err != nil {
			t.Fatal(err)
		}
		cases := 0
		for name := range project {
			if strings.HasPrefix(name, "cases/") && strings.HasSuffix(name, ".txtar") {
				cases++
			}
			if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".wasm") || strings.HasSuffix(name, ".tmpl") {
				t.Errorf("%s: a project holds %s", lang, name)
			}
		}
		if cases < 2 || project["Makefile"] == nil || project["README.md"] == nil {
			t.Errorf("%s: %d cases, of a Makefile %d and of a README %d bytes", lang, cases, len(project["Makefile"]), len(project["README.md"]))
		}
	}
}
