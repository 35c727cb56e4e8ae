package sandbox

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"registrar/internal/wasmtest"
	"registrar/scripts"
)

func TestInspectRefuses(t *testing.T) {
	s := newTestSandbox(t, 1)
	for _, tt := range []struct{ module, want string }{
		{"bad-signature", "the export add_client_id has the type (i32) -> (i32): it must be () -> (i32), so declare " +
			"no parameter instead of 1 parameter"},
		{"bad-import", "registrar_v1.set_clientid, which this server does not have: did you mean set_client_id?"},
		{"bad-import-type", "the import registrar_v1.random has the type (i32, i64) -> (): it must be (i32, i32) -> " +
			"(), so make parameter 2 a 32-bit integer (i32) instead of a 64-bit integer (i64)"},
		{"bad-import-module", "registrar_v2.random: this server has registrar_v1 only"},
		{"bad-env-abort", "--use abort="},
		{"as-default-abort", "--use abort="},
		{"as-default-abort", "Emscripten: link with -sSTANDALONE_WASM"},
		{"bad-start", "start section: export what it runs as _initialize"},
		{"bad-no-memory", "does not export its memory"},
		{"bad-imported-memory", "imports the memory"},
		{"bad-imported-table", "imports the table"},
		{"bad-imported-global", "imports the global"},
		{"bad-shared-memory", "shared"},
		{"bad-memory-size", "begins with 1000 pages of 64 KiB: at most 256"},
		{"bad-table-size", "65537 elements"},
		{"bad-no-step", "exports no step, but add_clientid: did you mean add_client_id?"},
		{"bad-truncated", "cannot be read"},
		{"bad-text", "cannot be read"},
	} {
		t.Run(tt.module, func(t *testing.T) {
			_, err := s.Vet(t.Context(), wasmtest.Wasm(t, tt.module))
			rejected, ok := errors.AsType[*scripts.RejectedError](err)
			if !ok || !strings.Contains(rejected.Error(), tt.want) {
				t.Errorf("got %v, want a rejection with %q", err, tt.want)
			}
		})
	}
}

func TestInspectTells(t *testing.T) {
	s := newTestSandbox(t, 1)
	s.config.MaxModule = 4 << 20
	for _, tt := range []struct {
		module, step, imported, warning string
	}{
		{"prefix-id", "add_client_id", "registrar_v1.random", ""},
		{"warn-unknown-export", "add_client_id", "",
			"the export add_clientid has the type of a step, but there is no step of that name: did you mean " +
				"add_client_id?"},
		{"warn-wasi-stub", "", "wasi_snapshot_preview1.path_open", "path_open is linked, but always answers ENOSYS"},
		{"host-name", "add_client_id", "", "the export call_base has the type of a step"},
		{"go-policy", "set_scopes", "registrar_v1.read_config", ""},
		{"id-and-secret", "generate_secret", "registrar_v1.set_client_secret", ""},
	} {
		t.Run(tt.module, func(t *testing.T) {
			wasm := wasmtest.Wasm(t, tt.module)
			m, err := s.Inspect(wasm)
			if err != nil {
				t.Fatal(err)
			}
			if m.Digest != scripts.Digest(wasm) || m.Size != len(wasm) || m.MemoryMin == 0 ||
				m.MemoryMin%(64<<10) != 0 {
				t.Errorf("got %+v", m)
			}
			if tt.step != "" && !slices.Contains(m.Steps, tt.step) {
				t.Errorf("steps %v lack %s", m.Steps, tt.step)
			}
			if tt.imported != "" && !slices.Contains(m.Imports, tt.imported) {
				t.Errorf("imports %v lack %s", m.Imports, tt.imported)
			}
			if !strings.Contains(strings.Join(m.Warnings, "\n"), tt.warning) ||
				tt.warning == "" && len(m.Warnings) > 0 {
				t.Errorf("warnings %q, want %q", m.Warnings, tt.warning)
			}
		})
	}
	if _, err := s.Inspect(make([]byte, 4<<20+1)); err == nil || !strings.Contains(err.Error(), "at most 4194304") {
		t.Errorf("a module too large: got %v", err)
	}
}

// A function is an import or export of moduleOf. It has the type of a step, or no result if plain is set.
type function struct {
	module, name string
	plain        bool
}

// moduleOf returns a module that exports its memory and functions that return 0, and imports others.
func moduleOf(imports, exports []function) []byte {
	vector := func(items ...[]byte) []byte {
		return append([]byte{byte(len(items))}, slices.Concat(items...)...)
	}
	section := func(id byte, content []byte) []byte { return append([]byte{id, byte(len(content))}, content...) }
	name := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	index := map[bool]byte{true: 1}
	imported, functions, bodies := [][]byte{}, [][]byte{}, [][]byte{}
	exported := [][]byte{slices.Concat(name("memory"), []byte{2, 0})}
	for _, f := range imports {
		imported = append(imported, slices.Concat(name(f.module), name(f.name), []byte{0, index[f.plain]}))
	}
	for i, f := range exports {
		functions = append(functions, []byte{index[f.plain]})
		exported = append(exported, slices.Concat(name(f.name), []byte{0, byte(len(imports) + i)}))
		body := []byte{4, 0, 0x41, 0, 0x0b}
		if f.plain {
			body = []byte{2, 0, 0x0b}
		}
		bodies = append(bodies, body)
	}
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, vector([]byte{0x60, 0, 1, 0x7f}, []byte{0x60, 0, 0})), section(2, vector(imported...)),
		section(3, vector(functions...)),
		section(5, vector([]byte{0, 1})), section(7, vector(exported...)), section(10, vector(bodies...)))
}

// A rejection says what would be valid.
func TestInspectExplains(t *testing.T) {
	s := newTestSandbox(t, 1)
	step := []function{{name: "set_scopes"}}
	importing := func(module, name string) []byte { return moduleOf([]function{{module, name, true}}, step) }
	for _, tt := range []struct {
		name string
		wasm []byte
		want string
	}{
		{"a function misspelt", importing("registrar_v1", "refuze"),
			"the module imports registrar_v1.refuze, which this server does not have: did you mean refuse?"},
		{"an unknown function", importing("registrar_v1", "http_get"),
			"registrar_v1.http_get, which this server does not have: registrar_v1 has call_base, client_exists, "},
		{"a function of WASI misspelt", importing("wasi_snapshot_preview1", "fd_writ"), "did you mean fd_write?"},
		{"a module forgotten", importing("env", "set_client_id"),
			`imports env.set_client_id: import it from registrar_v1 instead (C: __attribute__((import_module("registrar_v1")))`},
		{"an older WASI", importing("wasi_unstable", "fd_write"),
			"of WASI this server has preview 1 only, as wasi_snapshot_preview1"},
		{"an unknown module", importing("env", "printf"),
			"link without --allow-undefined and --import-undefined (Emscripten: -sERROR_ON_UNDEFINED_SYMBOLS). " +
				"Functions may come from registrar_v1 and wasi_snapshot_preview1 only"},
		{"an import's type", importing("registrar_v1", "now"),
			"the import registrar_v1.now has the type () -> (): it must be () -> (i64), so return a 64-bit integer " +
				"(i64) instead of nothing"},
		{"a step's type", moduleOf(nil, []function{{name: "set_scopes", plain: true}}),
			"the export set_scopes has the type () -> (): it must be () -> (i32), so return a 32-bit integer (i32) " +
				"instead of nothing"},
		{"an initialization's type", moduleOf(nil, []function{{name: "_initialize"}, {name: "set_scopes"}}),
			"the export _initialize has the type () -> (i32): it must be () -> (), so return nothing instead of a " +
				"32-bit integer (i32)"},
		{"no step at all", moduleOf(nil, []function{{name: "run"}}),
			"exports no step: export a function of the type () -> (i32) named validate_software_statement, "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.Inspect(tt.wasm)
			if rejected, ok := errors.AsType[*scripts.RejectedError](err); !ok || len(rejected.Reasons) != 1 ||
				!strings.Contains(rejected.Error(), tt.want) {
				t.Errorf("got %v, want a rejection with %q", err, tt.want)
			}
		})
	}
	m, err := s.Inspect(moduleOf(nil, []function{
		{name: "set_scopes"}, {name: "setClientNames", plain: true}, {name: "malloc", plain: true}, {name: "helper"},
	}))
	want := []string{
		"the export setClientNames looks like a step, but there is no step of that name: did you mean set_client_name?",
		"the export helper has the type of a step, but there is no step of that name",
	}
	if err != nil || !slices.Equal(m.Warnings, want) {
		t.Errorf("warnings %q, %v; want %q", m.Warnings, err, want)
	}
}

func TestInspectKnowsPrograms(t *testing.T) {
	s := newTestSandbox(t, 1)
	m, err := s.Inspect(wasmtest.Wasm(t, "c-command"))
	if err != nil || !m.Command() || m.Steps == nil || len(m.Warnings) != 0 {
		t.Errorf("got %+v, %v", m, err)
	}
	for _, tt := range []struct {
		wasm []byte
		want string
	}{
		{moduleOf(nil, []function{{name: "_start"}}),
			"the export _start has the type () -> (i32): it must be () -> (), so return nothing"},
		{moduleOf([]function{{"registrar_v1", "call_base", false}}, []function{{name: "_start", plain: true}}),
			"is a program and imports registrar_v1.call_base"},
	} {
		_, err := s.Inspect(tt.wasm)
		if rejected, ok := errors.AsType[*scripts.RejectedError](err); !ok ||
			!strings.Contains(rejected.Error(), tt.want) {
			t.Errorf("got %v, want a rejection with %q", err, tt.want)
		}
	}
	// A module that exports a step is not a program, whatever else it exports.
	m, err = s.Inspect(moduleOf(nil, []function{{name: "_start", plain: true}, {name: "set_scopes"}}))
	if err != nil || m.Command() {
		t.Errorf("got %+v, %v", m, err)
	}
}
