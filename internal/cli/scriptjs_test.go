package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"registrar/internal/app"
	"registrar/internal/servertest"
	"registrar/scripts"
)

const maxAgeScript = `import { least } from "./lib/least";

export function set_max_age({ patch, config, base }: Registrar<{ more: number }>): void {
	base();
	patch({ default_max_age: least + config.more });
}
`

// maxAgeFolder returns a folder with a script in two files, and a case that passes.
func maxAgeFolder(t *testing.T) string {
	t.Helper()
	return caseFolder(t, map[string]string{
		"max-age.ts":   maxAgeScript,
		"lib/least.ts": "export const least: number = 60;\n",
		"cases/a.txtar": plainRequest + "-- config.json --\n{\"more\":1}\n" +
			"-- expect.json --\n{\"outcome\":\"registered\",\"response\":{\"default_max_age\":61}}\n",
	})
}

// Wherever a module is taken, a script is packed first.
func TestScriptsArePacked(t *testing.T) {
	folder := maxAgeFolder(t)
	file := filepath.Join(folder, "max-age.ts")
	out := must(t, runHere(t, "script", "run", file, "--request", servertest.File(t, "request.json", minimal),
		"--config-json", `{"more":2}`, "--trace")).out
	if !strings.Contains(out, `"default_max_age": 62`) || !strings.Contains(out, "max-age") {
		t.Errorf("script run prints\n%s", out)
	}
	out = must(t, runHere(t, "script", "test", folder, "--script-timeout=1m")).out
	if !strings.Contains(out, "1 passed") {
		t.Errorf("script test prints\n%s", out)
	}
	module := filepath.Join(folder, "max-age.wasm")
	var result packed
	if err := json.Unmarshal([]byte(must(t, runHere(t, "script", "pack", file, "-o", module, "--output=json")).out),
		&result); err != nil || result.Digest != scripts.Digest(readFile(t, module)) {
		t.Errorf("script pack prints %+v, %v", result, err)
	}
	if out := must(t, runHere(t, "script", "inspect", file)).out; !strings.Contains(out, result.Digest) ||
		!strings.Contains(out, "set_max_age\n") {
		t.Errorf("script inspect prints\n%s, want the digest %s", out, result.Digest)
	}

	// script test takes the changed script, not what was packed of it before.
	if err := os.WriteFile(file, []byte(strings.Replace(maxAgeScript, "least +", "1000 +", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := runHere(t, "script", "test", folder, "--script-timeout=1m"); !strings.Contains(r.out, "1001") {
		t.Errorf("script test of a changed script prints\n%s%s", r.out, r.err)
	}

	shown := must(t, runHere(t, "script", "show", module))
	if !strings.HasPrefix(shown.out, "-- max-age.ts --\nimport { least }") || shown.err != "" ||
		!strings.Contains(shown.out, "-- lib/least.ts --\nexport const least: number = 60;\n") {
		t.Errorf("script show prints\n%s%s", shown.out, shown.err)
	}
}

// Every command that runs a script in TypeScript checks its config by the schema beside it.
func TestScriptsArePackedWithTheirSchema(t *testing.T) {
	const source = "export function set_max_age({ base, required }: Registrar): void {\n" +
		"\tbase();\n\tconsole.log(required(\"brands\").strings().length);\n}\n"
	folder := caseFolder(t, map[string]string{
		"brands.ts":          source,
		schemaFile:           brandSchema,
		"cases/wrong.txtar":  plainRequest + "-- config.json --\n{\"brand\":[\"hush\"]}\n" + registers,
		"cases/absent.txtar": plainRequest + registers,
		"cases/right.txtar":  plainRequest + "-- config.json --\n{\"brands\":[]}\n" + registers,
	})
	file := filepath.Join(folder, "brands.ts")
	s := servertest.New(t, app.Config{}, servertest.Options{})
	remote := []string{"--server", s.Admin.URL, "--admin-token-file",
		servertest.File(t, "token", servertest.AdminToken)}
	request := []string{"--request", servertest.File(t, "request.json", minimal)}
	for _, tt := range []struct {
		command string
		flags   []string
	}{{"run", request}, {"push", append(remote, "--deploy")}, {"replay", remote}} {
		for _, config := range []struct{ json, want string }{
			{`{"brand":["hush"]}`, brandReason}, {`{}`, "config: /brands: required"}, {`{"brands":[]}`, ""},
		} {
			args := append([]string{"script", tt.command, file, "--config-json", config.json}, tt.flags...)
			r := runHere(t, args...)
			if (r.code == exitDone) != (config.want == "") || !strings.Contains(r.err, config.want) ||
				strings.Contains(r.err, "hush") {
				t.Errorf("script %s with %s: exit code %d: %s, want %q", tt.command, config.json, r.code, r.err,
					config.want)
			}
		}
	}
	r := runHere(t, "script", "test", folder, "--script-timeout=1m")
	if !strings.Contains(r.out, "1 passed, 2 failed") || !strings.Contains(r.out, brandReason) {
		t.Errorf("script test: exit code %d:\n%s", r.code, r.out)
	}
	if out := must(t, runHere(t, "script", "inspect", file)).out; !strings.Contains(out,
		`"additionalProperties": false`) {
		t.Errorf("script inspect prints\n%s", out)
	}
}

func TestScriptCannotBePacked(t *testing.T) {
	folder := caseFolder(t, map[string]string{
		"wrong.js":                  "export function set_max_age( = {\n",
		"b.txtar":                   plainRequest + registers,
		"two.ts":                    maxAgeScript,
		"a/x.ts":                    "export function set_max_age() {}\n",
		"a/x.d.ts":                  "declare const x: number;\n",
		"a/b.txtar":                 plainRequest + registers,
		"schema/config.schema.json": `{"type":"text"}`,
		"schema/x.ts":               "export function set_max_age() {}\n",
	})
	request := servertest.File(t, "request.json", minimal)
	for _, tt := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"run", folder + "/wrong.js", "--request", request},
			"wrong.js cannot be packed:\nwrong.js:1:30: Expected identifier ", exitFailed},
		{[]string{"inspect", folder + "/two.ts"},
			`two.ts:1:23: Could not resolve "./lib/least": there is no such file`, exitFailed},
		{[]string{"test", folder}, "use --wasm", exitUsage},
		{[]string{"pack", folder + "/a/x.d.ts", "-o", folder + "/out.wasm"}, "it must be .js, .mjs, .ts or .wasm",
			exitUsage},
		{[]string{"pack", folder + "/schema/x.ts", "-o", folder + "/out.wasm"},
			"config.schema.json: config schema", exitFailed},
		{[]string{"show", servertest.File(t, "x.wasm", "\x00asm\x01\x00\x00\x00")}, "the module holds no source",
			exitFailed},
	} {
		r := runHere(t, append([]string{"script"}, tt.args...)...)
		if r.code != tt.code || !strings.Contains(r.err, tt.want) {
			t.Errorf("script %s: exit code %d: %s, want %d and %q", tt.args, r.code, r.err, tt.code, tt.want)
		}
	}
	must(t, runHere(t, "script", "test", folder+"/a", "--script-timeout=1m")) // beside which there is a .d.ts
}
