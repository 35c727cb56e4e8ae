package cli

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"registrar/internal/servertest"
	"registrar/sdk"
)

func TestScriptNewRefuses(t *testing.T) {
	full := filepath.Dir(servertest.File(t, "file", "kept"))
	file := servertest.File(t, "file", "kept")
	missing := filepath.Join(t.TempDir(), "missing")
	for _, tt := range []struct {
		name, lang, folder string
		code               int
		says               string
	}{
		{"an unknown language", "cobol", missing, exitUsage, "--lang cobol: no such template; there are ts, js, go"},
		{"a path instead of a language", "go/template", missing, exitUsage, "no such template"},
		{"a folder with a file in it", "go", full, exitUsage, "is not empty"},
		{"a file", "go", file, exitFailed, "not a directory"},
		{"a folder whose name is not a script's", "go", missing + "/My Policy", exitUsage,
			`"My Policy" is not a script's`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := runHere(t, "script", "new", "--lang", tt.lang, tt.folder)
			if r.code != tt.code || !strings.Contains(r.err, tt.says) {
				t.Errorf("exit code %d, want %d; standard error %q, want %q in it", r.code, tt.code, r.err, tt.says)
			}
		})
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a refused language left a folder")
	}
	if entries, err := os.ReadDir(full); err != nil || len(entries) != 1 {
		t.Errorf("the full folder has %v", entries)
	}
}

func TestScriptNewTakesAnEmptyFolder(t *testing.T) {
	must(t, runHere(t, "script", "new", "--lang=go", t.TempDir()))
}

// A language is known if it has a template.
func TestNewProject(t *testing.T) {
	files := fstest.MapFS{}
	for _, name := range []string{"go/registrar/x.go", "assemblyscript/template/Makefile",
		"assemblyscript/template/assembly/index.ts.tmpl",
		"assemblyscript/registrar/index.ts", "assemblyscript/registrar/x_test.go"} {
		files[name] = &fstest.MapFile{Data: []byte(name)}
	}
	if diff := cmp.Diff([]string{"as"}, languages(files)); diff != "" {
		t.Error(diff)
	}
	if _, err := newProject(files, "go", "ids"); err == nil || !strings.HasSuffix(err.Error(), "there are as") {
		t.Errorf("got %v", err)
	}
	got, err := newProject(files, "as", "ids")
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

// Each template has cases. A project has no tests of the SDK and no module.
func TestTemplates(t *testing.T) {
	for _, lang := range languages(sdk.Files()) {
		project, err := newProject(sdk.Files(), lang, "my-ids")
		if err != nil {
			t.Fatal(err)
		}
		cases := 0
		for name := range project {
			if strings.HasPrefix(name, "cases/") && strings.HasSuffix(name, ".txtar") {
				cases++
			}
			if bytes.Contains(project[name], []byte(namePlaceholder)) {
				t.Errorf("%s: %s has a placeholder", lang, name)
			}
			if strings.HasSuffix(name, "_test.go") || path.Ext(name) == ".wasm" || path.Ext(name) == ".tmpl" {
				t.Errorf("%s: the project has %s", lang, name)
			}
		}
		names := []string{"Makefile", "README.md"}
		if isPacked(lang) { // which need no make
			names = []string{"README.md"}
			for _, name := range []string{"my-ids." + lang, lang + "config.json", "config.schema.json",
				"registrar.d.ts"} {
				if len(project[name]) == 0 {
					t.Errorf("%s: the project has no %s", lang, name)
				}
			}
		}
		for _, name := range names {
			if !bytes.Contains(project[name], []byte("my-ids")) {
				t.Errorf("%s: %s does not name the script", lang, name)
			}
		}
		if lang == "c" && project["script.c"] == nil {
			t.Error("c: the project has no script.c, which its Makefile compiles")
		}
		if cases < 2 {
			t.Errorf("%s: %d cases", lang, cases)
		}
	}
}
