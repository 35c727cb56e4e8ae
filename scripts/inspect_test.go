package scripts_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/catalog"
	"registrar/testdata"
)

func TestInspectRefuses(t *testing.T) {
	b := newBench(t, engine.Options{})
	for _, tt := range []struct{ module, want string }{
		{"bad-signature", "the export add_client_id has the type (i32) -> (i32): it must be () -> (i32)"},
		{"bad-import", "registrar_v1.set_clientid, which this server does not have"},
		{"bad-import-type", "the import registrar_v1.random has the type"},
		{"bad-import-module", "registrar_v2.random: this server has registrar_v1 only"},
		{"bad-env-abort", "--use abort="},
		{"as-default-abort", "--use abort="},
		{"bad-start", "start section: export what it runs as _initialize"},
		{"bad-no-memory", "does not export its memory"},
		{"bad-imported-memory", "imports the memory"},
		{"bad-imported-table", "imports the table"},
		{"bad-imported-global", "imports the global"},
		{"bad-shared-memory", "shared"},
		{"bad-memory-size", "begins with 1000 pages of 64 KiB: at most 256"},
		{"bad-table-size", "65537 elements"},
		{"bad-no-step", "exports no step"},
		{"bad-truncated", "cannot be read"},
		{"bad-text", "cannot be read"},
	} {
		t.Run(tt.module, func(t *testing.T) {
			_, _, err := b.host.Upload(t.Context(), tt.module, testdata.Wasm(t, tt.module))
			rejected, ok := errors.AsType[*catalog.Rejected](err)
			if !ok || !strings.Contains(rejected.Error(), tt.want) {
				t.Errorf("got %v, want a rejection with %q", err, tt.want)
			}
		})
	}
	if modules, err := b.store.Modules(t.Context()); err != nil || len(modules) != 0 {
		t.Errorf("%d modules are stored, %v", len(modules), err)
	}
}

func TestInspectTells(t *testing.T) {
	b := newBench(t, engine.Options{}, func(c *scripts.Config) { c.MaxModule = 4 << 20 })
	for _, tt := range []struct {
		module, step, imported, warning string
	}{
		{"prefix-id", "add_client_id", "registrar_v1.random", ""},
		{"warn-unknown-export", "add_client_id", "", "the export add_clientid has the type of a step"},
		{"warn-wasi-stub", "", "wasi_snapshot_preview1.path_open", "path_open is linked, but always answers ENOSYS"},
		{"host-name", "add_client_id", "", "the export call_base has the type of a step"},
		{"go-policy", "set_scopes", "registrar_v1.read_config", ""},
		{"id-and-secret", "generate_secret", "registrar_v1.set_client_secret", ""},
	} {
		t.Run(tt.module, func(t *testing.T) {
			wasm := testdata.Wasm(t, tt.module)
			m, err := b.host.Inspect(wasm)
			if err != nil {
				t.Fatal(err)
			}
			if m.Digest != catalog.Digest(wasm) || m.Size != len(wasm) || m.MemoryMin == 0 || m.MemoryMin%(64<<10) != 0 {
				t.Errorf("got %+v", m)
			}
			if tt.step != "" && !slices.Contains(m.Steps, tt.step) {
				t.Errorf("steps %v lack %s", m.Steps, tt.step)
			}
			if tt.imported != "" && !slices.Contains(m.Imports, tt.imported) {
				t.Errorf("imports %v lack %s", m.Imports, tt.imported)
			}
			if !strings.Contains(strings.Join(m.Warnings, "\n"), tt.warning) || tt.warning == "" && len(m.Warnings) > 0 {
				t.Errorf("warnings %q, want %q", m.Warnings, tt.warning)
			}
		})
	}
	if _, err := b.host.Inspect(make([]byte, 4<<20+1)); err == nil || !strings.Contains(err.Error(), "at most 4194304") {
		t.Errorf("a module too large: got %v", err)
	}
}

func TestUploadTwice(t *testing.T) {
	b := newBench(t, engine.Options{})
	first, added, err := b.host.Upload(t.Context(), "one", testdata.Wasm(t, "prefix-id"))
	if err != nil || !added {
		t.Fatal(added, err)
	}
	second, added, err := b.host.Upload(t.Context(), "two", testdata.Wasm(t, "prefix-id"))
	if err != nil || added || second.Name != first.Name || !second.CreatedAt.Equal(first.CreatedAt) {
		t.Errorf("got %+v, %v, %v; want what was stored first: %+v", second, added, err, first)
	}
	for _, name := range []string{"", "-a", "A", "a/b", strings.Repeat("a", 65)} {
		if _, _, err := b.host.Upload(t.Context(), name, testdata.Wasm(t, "prefix-id")); err == nil {
			t.Errorf("the name %q is taken", name)
		}
	}
}
