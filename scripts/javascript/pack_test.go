package javascript

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/scripts"
	"registrar/scripts/wasmbin"
)

// write writes files into a new folder and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

const typed = `interface Config { days?: number }
const least: number = 1;
export function set_max_age({ config, refuse }: { config: Config, refuse(code: string, why: string): never }): void {
  if ((config.days ?? 0) < least) refuse("invalid_client_metadata", "ä day");
}
export async function add_client_id() {}
`

func TestPack(t *testing.T) {
	t.Parallel()
	folder := write(t, map[string]string{"typed.ts": typed, "tsconfig.json": `{"compilerOptions": {"target": "es5"}}`})
	module, err := PackFile(t.Context(), filepath.Join(folder, "typed.ts"))
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := wasmbin.Decode(module)
	if err != nil {
		t.Fatal(err)
	}
	var exports []string
	for _, e := range decoded.Exports {
		exports = append(exports, e.Name)
	}
	slices.Sort(exports)
	want := []string{"_initialize", "_position", "add_client_id", "memory", "set_max_age"}
	if !slices.Equal(exports, want) {
		t.Errorf("got the exports %q, want %q", exports, want)
	}
	files, err := Sources(module)
	if err != nil || !slices.Equal(files, []File{{"typed.ts", typed}}) {
		t.Errorf("got the files %q, %v", files, err)
	}
	// The same source gives the same module in any folder, with and without a file.
	again, err := PackText(t.Context(), "typed.ts", []byte(typed))
	if err != nil || !bytes.Equal(module, again) {
		t.Errorf("the text gives another module than the file, error %v", err)
	}
	other, err := PackText(t.Context(), "typed.ts", []byte(strings.Replace(typed, "= 1", "= 2", 1)))
	if err != nil || bytes.Equal(withoutCustom(module), withoutCustom(other)) {
		t.Errorf("another source gives the same module, error %v", err)
	}
}

// TestPackTextReadsNoSourceMap packs texts that name a source map in a file: none of its names is in the bundle.
func TestPackTextReadsNoSourceMap(t *testing.T) {
	t.Parallel()
	const sourceMap = `{"version":3,"sources":["hush"],"mappings":"AAAA","names":[]}`
	file := filepath.Join(write(t, map[string]string{"a.map": sourceMap}), "a.map")
	const step = "export function add_client_id() {}\n"
	for _, url := range []string{"file://" + file, "FILE://localhost" + file, "file:" + file} {
		for _, comment := range []string{"//# sourceMappingURL=" + url, "/*@ sourceMappingURL=" + url + " */"} {
			_, err := PackText(t.Context(), "a.js", []byte(step+comment))
			if want := "a.js:2:1: " + errSourceMap; err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s: got %v, want %s", comment, err, want)
			}
		}
	}
	for _, url := range []string{file, file[1:], "a.map", "localhost" + file} {
		b, err := bundleText("a.js", []byte(step+"//# sourceMappingURL="+url))
		if err != nil || !slices.Equal(b.sources, []string{"a.js"}) {
			t.Errorf("%s: got the sources %q, %v", url, b.sources, err)
		}
	}
}

func TestPackImports(t *testing.T) {
	t.Parallel()
	folder := write(t, map[string]string{
		"policy.mjs": `import { rule } from "./lib/rule"; import table from "./table.json"; import { pad } from "pad";
export function set_max_age() { console.log(rule(), table.a, pad("x")) }`,
		"lib/rule.ts":                   "export const rule = (): string => 'rule';\n",
		"table.json":                    `{"a": 1}`,
		"node_modules/pad/package.json": `{"name": "pad", "main": "main.js"}`,
		"node_modules/pad/main.js":      "exports.pad = (s) => s.padStart(9);\n",
	})
	module, err := PackFile(t.Context(), filepath.Join(folder, "policy.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := Sources(module)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	want := []string{"policy.mjs", "lib/rule.ts", "node_modules/pad/main.js", "table.json"}
	if !slices.Equal(names, want) {
		t.Errorf("got the files %q, want %q", names, want)
	}
}

// What is wrong is said with the place, the line, and what would be right.
func TestPackErrors(t *testing.T) {
	t.Parallel()
	const step = "export function set_max_age() {}\n"
	for name, test := range map[string]struct{ file, text, want string }{
		"syntax": {"a.js", "const x = 1;\nexport function set_max_age( {\n  return 1 +\n}\n",
			"a.js:3:10: Expected \"}\" but found \"1\"\n    return 1 +"},
		"syntax of TypeScript": {"a.ts", "type = 1;\n", "a.ts:1:"},
		"column in characters": {"a.js", "const ä = 'ä' ++ 1;\n", "a.js:1:1"},
		"misspelt step": {"a.js", "// set_maxage\nexport function set_maxage() {}\n",
			"a.js:2:17: the script exports set_maxage, which is not a step: did you mean set_max_age?\n" +
				"    export function set_maxage() {}"},
		"helper": {"a.js", step + "export const rules = [];\n",
			"a.js:2:14: the script exports rules, which is not a step: do not export what only the script itself uses"},
		"value": {"a.js", "export const set_max_age = 3600;\n", "a.js:1:14: the script exports set_max_age, " +
			"which is not a function: export function set_max_age("},
		"default": {"a.js", "export default function () {}\n", "export default names no step: export function "},
		"no step": {"a.js", "function set_max_age() {}\n", "a.js: the script exports no step: export function "},
		"throws": {"a.ts", "interface A { b: { c: number } }\n" + step + "const a: A = null as any;\na.b.c;\n",
			"a.ts:4:"},
		"never settles": {"a.js", step + "await new Promise(() => {});\n",
			"a.js: the script's top level fails: TypeError: "},
		"clock":     {"a.js", step + "const t = Date.now();\n", "clock"},
		"random":    {"a.js", step + "const t = Math.random();\n", "a.js:2:"},
		"import":    {"a.js", "import { x } from './x.js';\n" + step + "x();\n", "a.js:1:19: " + errImport},
		"absolute":  {"a.js", "import x from '/etc/passwd';\n" + step + "x();\n", "a.js:1:15: " + errImport},
		"NUL":       {"a.js", "\n\x00" + step, `a.js:2:1: the file holds a NUL`},
		"not UTF-8": {"a.js", "// \xff\n" + step, "a.js: the file must be UTF-8"},
		"too large": {"a.js", step + strings.Repeat("//\n", scripts.MaxSource/3), "at most 1048576 are allowed"},
		"large code": {"a.js", step + "globalThis.x = '" + strings.Repeat("x", maxCode) + "';\n",
			"at most 524287 are allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := PackText(t.Context(), test.file, []byte(test.text))
			wantProblem(t, err, test.want)
		})
	}
}

func wantProblem(t *testing.T, err error, want string) {
	t.Helper()
	if _, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want an Error with %q", err, want)
	}
}

// A file may import what is in its folder, and packages.
func TestImportErrors(t *testing.T) {
	t.Parallel()
	const step = "export function set_max_age() { console.log(x) }\n"
	folder := write(t, map[string]string{
		"secret.json":        `{"password": "x"}`,
		"a/missing.js":       "import { x } from './nothing';\n" + step,
		"a/package.js":       "import { x } from 'nothing';\n" + step,
		"a/node.js":          "import * as x from 'node:fs';\n" + step,
		"a/outside.js":       "import x from '../secret.json';\n" + step,
		"a/second.js":        "import { x } from './wrong';\n" + step,
		"a/wrong.ts":         "export const x: number = 1;\nexport const y = = 2;\n",
		"a/linked.js":        "import x from './link.json';\n" + step,
		"a/script.coffee":    step,
		"a/declaration.d.ts": step,
	})
	if err := os.Symlink("../secret.json", filepath.Join(folder, "a", "link.json")); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"missing.js":       `missing.js:1:19: Could not resolve "./nothing": there is no such file`,
		"package.js":       `package.js:1:19: Could not resolve "nothing": run npm install nothing in the script's folder`,
		"node.js":          `: modules of Node.js do not exist here`,
		"outside.js":       "outside.js: the import of ../secret.json is outside of the script's folder: copy the file",
		"linked.js":        "linked.js: the import of ../secret.json is outside of the script's folder: copy the file",
		"second.js":        "wrong.ts:2:18: Unexpected \"=\"\n    export const y = = 2;",
		"script.coffee":    "must end in .js, .mjs, .ts",
		"declaration.d.ts": "must end in .js, .mjs, .ts",
	} {
		_, err := PackFile(t.Context(), filepath.Join(folder, "a", file))
		wantProblem(t, err, want)
	}
}

// A top level that does not end is ended by the clock.
func TestPackEndless(t *testing.T) {
	t.Parallel()
	_, err := pack(t.Context(), 2*time.Second, func() (bundle, error) {
		return bundleText("a.js", []byte("export function set_max_age() {}\nfor (;;) {}\n"))
	})
	wantProblem(t, err, "a.js: the script's top level does not end within 2s")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := PackText(ctx, "a.js", []byte("export function set_max_age() {}")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the cancellation", err)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	folder := write(t, map[string]string{
		"policy.ts":   "import { rule } from './lib/rule';\nexport function set_max_age() { rule() }\n",
		"lib/rule.ts": "export const rule = (): string => 'rule';\n",
	})
	module, err := PackFile(t.Context(), filepath.Join(folder, "policy.ts"))
	if err != nil {
		t.Fatal(err)
	}
	if same, err := Verify(t.Context(), module); err != nil || !same {
		t.Errorf("the module of its own source: got %v, %v", same, err)
	}
	forged, err := withSources(module, []File{{"policy.ts", "export function set_max_age() {}\n"}})
	if err != nil {
		t.Fatal(err)
	}
	if same, err := Verify(t.Context(), forged); err != nil || same {
		t.Errorf("a module with another source: got %v, %v; want false", same, err)
	}
	if _, err := Sources(withoutCustom(module)); !errors.Is(err, ErrNoSource) {
		t.Errorf("got %v, want ErrNoSource", err)
	}
}
