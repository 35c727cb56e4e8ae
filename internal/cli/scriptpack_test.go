package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/configschema"
	"registrar/scripts/wasmbin"
)

// schemaOf returns the schemas that a module carries.
func schemaOf(t *testing.T, wasm []byte) []string {
	t.Helper()
	m, err := wasmbin.Decode(wasm)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, content := range m.Custom(wasm, configschema.Section) {
		list = append(list, string(content))
	}
	return list
}

// readFile returns a file's content.
func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestScriptPack(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.wasm")
	in := wasmtest.Path(t, "wrap-id")
	for _, schema := range []string{`{"required":["brands"]}`, "{\n  \"title\": \"another\"\n}\n"} {
		got := must(t, runHere(t, "script", "pack", in, "-o", out, "--output", "json",
			"--config-schema", servertest.File(t, "schema.json", schema))).out
		wasm := readFile(t, out)
		if list := schemaOf(t, wasm); len(list) != 1 || list[0] != schema {
			t.Errorf("got the schemas %q, want %q", list, schema)
		}
		var result packed
		if err := json.Unmarshal([]byte(got), &result); err != nil {
			t.Fatal(err)
		}
		if want := (packed{out, scripts.Digest(wasm), len(wasm)}); result != want {
			t.Errorf("got %+v, want %+v", result, want)
		}
		in = out // the next schema takes the place of this one
	}
	if got := must(t, runHere(t, "script", "inspect", out)).out; !strings.Contains(got,
		scripts.Digest(readFile(t, out))) {
		t.Errorf("inspect shows another digest:\n%s", got)
	}
}

func TestScriptPackRefuses(t *testing.T) {
	in := wasmtest.Path(t, "wrap-id")
	good := servertest.File(t, "schema.json", `{}`)
	for _, tt := range []struct {
		name, file, schema, want string
		code                     int
	}{
		{"no schema", in, "", "--config-schema is missing", exitUsage},
		{"another kind of file", servertest.File(t, "script.txt", ""), good,
			`ends in ".txt": it must be .js, .mjs, .ts or .wasm`, exitUsage},
		{"no module", servertest.File(t, "script.wasm", "text"), good, "the module cannot be read", exitFailed},
		{"a schema that is none", in, servertest.File(t, "other.json", `{"type":"text"}`),
			"other.json: config schema: /type: fits none of", exitFailed},
		{"a schema in another file", in, servertest.File(t, "other.json", `{"$ref":"schema.json"}`),
			"it refers to schema.json: a schema may only refer to itself", exitFailed},
		{"a missing file", in, "missing.json", "missing.json", exitFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.wasm")
			args := []string{"script", "pack", tt.file, "-o", out}
			if tt.schema != "" {
				args = append(args, "--config-schema", tt.schema)
			}
			got := runHere(t, args...)
			if got.code != tt.code || !strings.Contains(strings.ReplaceAll(got.err, "\n", " "), tt.want) {
				t.Errorf("got %d and %q, want %d and %q", got.code, got.err, tt.code, tt.want)
			}
			if entries, err := os.ReadDir(filepath.Dir(out)); err != nil || len(entries) > 0 {
				t.Errorf("the folder has %v, %v, want nothing", entries, err)
			}
		})
	}
}
