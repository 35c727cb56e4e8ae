package metering_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"registrar/internal/wasmtest"
	"registrar/scripts/metering"
	"registrar/scripts/wasmbin"
)

// header is the beginning of each module.
const header = "\x00asm\x01\x00\x00\x00"

func TestReservedNames(t *testing.T) {
	t.Parallel()
	const memory = "\x05\x03\x01\x00\x01"
	imported := func(module string) string {
		item := "\x01" + string(rune(len(module))) + module + "\x01f\x00\x00"
		return header + "\x01\x04\x01\x60\x00\x00\x02" + string(rune(len(item))) + item
	}
	exported := func(name string) string {
		item := "\x01" + string(rune(len(name))) + name + "\x02\x00"
		return header + memory + "\x07" + string(rune(len(item))) + item
	}
	tests := []struct {
		name string
		wasm string
		want string // empty means no error
	}{
		{"an import from another module", imported("registrar_v1"), ""},
		{"an import of the event", imported(metering.EventModule),
			"the module imports registrar_metering.f: names that begin with registrar_metering are reserved"},
		{"an import of a module with the prefix", imported("registrar_metering2"),
			"the module imports registrar_metering2.f: names that begin with registrar_metering are reserved"},
		{"another export", exported("memory"), ""},
		{"an export named like the fuel", exported(metering.FuelExport),
			"the module exports registrar_metering.fuel: names that begin with registrar_metering are reserved"},
		{"an export with the prefix", exported("registrar_meteringX"),
			"the module exports registrar_meteringX: names that begin with registrar_metering are reserved"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, err := wasmbin.Decode([]byte(test.wasm))
			if err != nil {
				t.Fatal(err)
			}
			rewritten, err := metering.Rewrite([]byte(test.wasm), m)
			if got := errorText(err); got != test.want || (err == nil) != (rewritten != nil) {
				t.Errorf("got error %q and %d bytes, want error %q", got, len(rewritten), test.want)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// A rewritten module has all items of the original one and those that metering adds.
func TestRewrittenModules(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"go-policy", "mcp-policy", "rust-prefix-id", "c-secret-by-scope", "id-and-secret", "nested",
	} {
		t.Run(name, func(t *testing.T) {
			wasm := wasmtest.Wasm(t, name)
			before, err := wasmbin.Decode(wasm)
			if err != nil {
				t.Fatal(err)
			}
			original := bytes.Clone(wasm)
			rewritten := rewrite(t, wasm)
			if !bytes.Equal(wasm, original) {
				t.Error("Rewrite modified its argument")
			}
			if again := rewrite(t, wasm); !bytes.Equal(rewritten, again) {
				t.Error("the result is not deterministic")
			}
			after, err := wasmbin.Decode(rewritten)
			if err != nil {
				t.Fatal(err)
			}
			got := []int{len(after.Types), len(after.Imports), len(after.Exports), len(after.Globals),
				len(after.Tables), after.DataSegments, after.ElementSegments}
			want := []int{len(before.Types) + 2, len(before.Imports) + 1, len(before.Exports) + 2, len(before.Globals) +
				2, len(before.Tables), before.DataSegments, before.ElementSegments}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("types, imports, exports, globals, tables, data, elements: got %v, want %v", got, want)
			}
			for _, s := range after.Sections {
				if s.ID == wasmbin.SectionCustom {
					t.Errorf("custom section %s is left", s.Name)
				}
			}
			event := after.Imports[len(after.Imports)-1]
			if event.Module != metering.EventModule || event.Name != metering.EventName ||
				after.Types[event.Type].String() != "(i32) -> ()" {
				t.Errorf("the last import is %+v, want the event", event)
			}
			t.Logf("%d bytes became %d", len(wasm), len(rewritten))
			if len(rewritten) > 2*len(wasm)+metering.MaxOverhead {
				t.Errorf("%d bytes became %d: want at most twice as many for compiled code", len(wasm), len(rewritten))
			}
			if _, err := metering.Rewrite(rewritten, after); err == nil {
				t.Error("rewriting a rewritten module: got no error, want one for its reserved names")
			}
		})
	}
}

// TestGrowth rewrites the modules that grow most: short functions with calls, short loops, and calls.
func TestGrowth(t *testing.T) {
	t.Parallel()
	short := [][]byte{}
	for range 20_000 {
		short = append(short, []byte{0, 0x10, 0x80, 0x80, 1})
	}
	for name, w := range map[string]worst{
		"functions":          {types: [][]byte{{0x60, 0, 0}}, others: short},
		"loops":              {instructions: bytes.Repeat([]byte{0x03, 0x40, 0x01, 0x0b}, 100_000)},
		"loops past globals": {globals: 9_998, instructions: bytes.Repeat([]byte{0x03, 0x40, 0x01, 0x0b}, 100_000)},
		"calls":              {globals: 9_998, instructions: bytes.Repeat([]byte{0x10, 0}, 100_000)},
		"conditions":         {instructions: bytes.Repeat([]byte{0x41, 0, 0x04, 0x40, 0x01, 0x0b}, 100_000)},
	} {
		t.Run(name, func(t *testing.T) {
			before := w.module()
			after := len(rewrite(t, before))
			t.Logf("%d bytes became %d, %.1f times as many", len(before), after, float64(after)/float64(len(before)))
			if most := metering.MaxGrowth*len(before) + metering.MaxOverhead; after > most {
				t.Errorf("%d bytes became %d, want at most %d", len(before), after, most)
			}
		})
	}
}

// FuzzRewrite tests accepted modules: they are rewritten within the limits of size; the result is accepted, and
// compiles if the original does; functions without parameters return the same results, or trap for the same reason.
func FuzzRewrite(f *testing.F) {
	root := filepath.Join(wazeroFolder(f), "internal", "integration_test", "spectest")
	seeds := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".wasm") {
			if wasm := readFile(f, path); len(wasm) <= maxFuzz {
				if seeds++; seeds%5 == 0 {
					f.Add(wasm)
				}
			}
		}
		return err
	})
	if err != nil || seeds < 1000 {
		f.Fatalf("found %d modules: %v", seeds, err)
	}
	f.Add(readFile(f, "testdata", "counts.wasm"))
	meter := &meter{}
	r := newRuntime(f, wazero.NewRuntimeConfig().WithMemoryLimitPages(16), meter)
	f.Fuzz(func(t *testing.T, wasm []byte) {
		m, err := wasmbin.Decode(wasm)
		if err != nil || len(wasm) > maxFuzz {
			return
		}
		rewritten, err := metering.Rewrite(wasm, m)
		if err != nil {
			if !strings.Contains(err.Error(), metering.Reserved) {
				t.Fatal(err)
			}
			return
		}
		if most := metering.MaxGrowth*len(wasm) + metering.MaxOverhead; len(rewritten) > most {
			t.Errorf("%d bytes became %d, want at most %d", len(wasm), len(rewritten), most)
		}
		if _, err := wasmbin.Decode(rewritten); err != nil && !strings.Contains(err.Error(), "limit") {
			t.Errorf("the result is not accepted: %v", err)
		}
		plain, err := r.CompileModule(t.Context(), stripCustom(wasm, m))
		metered, meteredErr := r.CompileModule(t.Context(), rewritten)
		if (err == nil) != (meteredErr == nil) {
			t.Fatalf("compiling: got error %v with metering, %v without", meteredErr, err)
		}
		if err == nil && !initsActive(wasm, m) { // there wazero is wrong, and what is rewritten is not
			meter.given, meter.budget, meter.slice = 0, 100_000, 1000
			compare(t, r, plain, metered)
		}
	})
}

const maxFuzz = 2048

// initsActive reports whether a module has a memory.init of an active data segment.
func initsActive(wasm []byte, m *wasmbin.Module) bool {
	segments := slices.Collect(m.Data(wasm))
	for f := range m.Code {
		body := m.Body(wasm, f)
		var i wasmbin.Instruction
		for body.Next(&i) {
			if i.Opcode == wasmbin.MemoryInit && segments[i.Index].Active {
				return true
			}
		}
	}
	return false
}

// stripCustom returns a module without its custom sections.
func stripCustom(wasm []byte, m *wasmbin.Module) []byte {
	stripped := slices.Clone(wasm[:8])
	for _, s := range m.Sections {
		if s.ID != wasmbin.SectionCustom {
			stripped = append(stripped, s.Range.In(wasm)...)
		}
	}
	return stripped
}

// compare runs functions without parameters, first with metering: a function that ends within its fuel also ends
// without.
func compare(t *testing.T, r wazero.Runtime, plain, metered wazero.CompiledModule) {
	t.Helper()
	ctx := context.Background()
	defer plain.Close(ctx)
	defer metered.Close(ctx)
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	second, err := r.InstantiateModule(ctx, metered, config)
	if err != nil {
		return
	}
	defer second.Close(ctx)
	first, err := r.InstantiateModule(ctx, plain, config)
	if err != nil {
		t.Fatalf("instantiating: got error %v without metering, none with it", err)
	}
	defer first.Close(ctx)
	for name, definition := range plain.ExportedFunctions() {
		if len(definition.ParamTypes()) > 0 {
			continue
		}
		second.ExportedGlobal(metering.CallsExport).(api.MutableGlobal).Set(100)
		got, gotErr := second.ExportedFunction(name).Call(ctx)
		if gotErr != nil &&
			(strings.Contains(gotErr.Error(), errFuel.Error()) || strings.Contains(gotErr.Error(), errDepth.Error())) {
			return
		}
		want, wantErr := first.ExportedFunction(name).Call(ctx)
		if reason(gotErr) != reason(wantErr) || !same(got, want, definition.ResultTypes()) {
			t.Errorf("%s: got %v, %v with metering, want %v, %v", name, got, gotErr, want, wantErr)
		}
		if wantErr != nil {
			return
		}
	}
}

// same compares results. It ignores references, and the upper half of 32-bit values, which may be garbage.
func same(got, want []uint64, types []api.ValueType) bool {
	if len(got) != len(want) {
		return false
	}
	if len(want) != len(types) { // a vector takes two
		return true
	}
	for i, t := range types {
		mask := uint64(math.MaxUint64)
		switch t {
		case api.ValueTypeI32, api.ValueTypeF32:
			mask = math.MaxUint32
		case api.ValueType(wasmbin.FuncRef):
			mask = 0
		}
		if (got[i]^want[i])&mask != 0 {
			return false
		}
	}
	return true
}
