package wasmbin

import (
	"bytes"
	"context"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
)

// FuzzDecode tests that Decode returns for any bytes. For modules that it accepts, checkDecoded must pass, and the
// runtime's compiler must return, even if with an error about types.
func FuzzDecode(f *testing.F) {
	for _, r := range refusals() {
		if len(r.module) < 4<<10 { // modules beyond a limit are large, and slow to mutate
			f.Add(r.module)
		}
	}
	f.Add(module())
	f.Add(module(custom("a"), types, allImports, functions, memories, bodies, custom("b")))
	f.Add(module(aFunction, section(SectionExport, vector(slices.Concat(text("f"), raw(0, 0)))),
		section(SectionStart, raw(0)),
		section(SectionElement, vector(raw(1, 0, 1, 0))), section(SectionDataCount, raw(1)), aBody,
		section(SectionData, vector(raw(1, 1, 'a')))))
	f.Add(module(section(SectionImport, vector(global, variable)), section(SectionGlobal, vector(
		slices.Concat(raw(0x7f, 1), constInt), raw(0x7e, 0, 0x23, 0, 0x0b), raw(0x6f, 0, 0xd0, 0x6f, 0x0b),
		slices.Concat(raw(0x7b, 0, 0xfd, 0x0c), make([]byte, 16), raw(0x0b))))))

	root := filepath.Join(wazeroFolder(f), "internal", "integration_test", "spectest", "v2")
	walk(f, root, ".wasm", func(file string) {
		if b := readFile(f, file); len(b) < 256 {
			f.Add(b)
		}
	})
	runtime := wazero.NewRuntime(f.Context())
	f.Cleanup(func() { runtime.Close(context.Background()) })

	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err == nil {
			checkDecoded(t, b, m)
			checkCompiles(t, runtime, stripCustom(b, m))
			return
		}
		if e := asError(t, err); e.Offset < 0 || e.Offset > len(b) || e.Message == "" {
			t.Errorf("offset %d of %d bytes, message %q", e.Offset, len(b), e.Message)
		}
	})
}

// checkDecoded tests an accepted module: ranges are within their sections, the module shares no memory with the bytes,
// and custom sections change nothing.
func checkDecoded(t *testing.T, b []byte, m *Module) {
	t.Helper()
	checkRanges(t, b, m)
	checkBodies(t, b, m)
	checkFunctionIndexes(t, b, m)
	for _, e := range m.Exports {
		if int(e.Index) >= m.Count(e.Kind) {
			t.Errorf("export %+v, but there are %d of its kind", e, m.Count(e.Kind))
		}
	}
	imported := m.Count(KindFunction) - len(m.Functions)
	for i, index := range m.Functions {
		if got, ok := m.FuncType(uint32(imported + i)); !ok || !reflect.DeepEqual(got, m.Types[index]) {
			t.Fatalf("function %d is %s, %t, want %s", imported+i, got, ok, m.Types[index])
		}
	}

	clone := bytes.Clone(b)
	again, err := Decode(clone)
	clear(clone)
	if err != nil || !reflect.DeepEqual(again, m) {
		t.Errorf("decoded again: got %+v, %v, want %+v", again, err, m)
	}

	s, err := Decode(stripCustom(b, m))
	if err != nil {
		t.Fatalf("decoding it without custom sections: %v", err)
	}
	same := reflect.DeepEqual(s.Types, m.Types) && reflect.DeepEqual(s.Imports, m.Imports) &&
		reflect.DeepEqual(s.Exports, m.Exports) && reflect.DeepEqual(s.Functions, m.Functions) &&
		len(s.Code) == len(m.Code)
	if !same {
		t.Errorf("without custom sections: got %+v, want %+v", s, m)
	}
}

// stripCustom returns a module without its custom sections.
func stripCustom(b []byte, m *Module) []byte {
	stripped := slices.Clone(b[:headerSize])
	for _, s := range m.Sections {
		if s.ID != SectionCustom {
			stripped = append(stripped, s.Range.In(b)...)
		}
	}
	return stripped
}

// checkCompiles compiles a small module. A panic fails the test, an error does not.
func checkCompiles(t *testing.T, r wazero.Runtime, b []byte) {
	t.Helper()
	if len(b) > 4<<10 {
		return
	}
	if compiled, err := r.CompileModule(t.Context(), b); err == nil {
		compiled.Close(t.Context())
	}
}

// checkBodies tests that the locals and instructions are the whole body.
func checkBodies(t *testing.T, b []byte, m *Module) {
	t.Helper()
	var i Instruction
	for f, code := range m.Code {
		body := m.Body(b, f)
		at := body.Start()
		for body.Next(&i) {
			if i.Range.Start != at || i.Range.Len() < 1 {
				t.Fatalf("body %d: %s at %v, want it at %d", f, i.Opcode, i.Range, at)
			}
			at = i.Range.End
		}
		if err := body.Err(); err != nil || at != code.End || i.Opcode != End {
			t.Fatalf("body %d: read to %d, %s, %v; want it to end at %d", f, at, i.Opcode, err, code.End)
		}
	}
}

// checkFunctionIndexes tests that FunctionIndexes finds function indices at their positions.
func checkFunctionIndexes(t *testing.T, b []byte, m *Module) {
	t.Helper()
	last, exported := 0, 0
	err := FunctionIndexes(b, func(at Range, function uint32) {
		r := &reader{b: b, pos: at.Start, end: at.End}
		if found := r.u32("an index"); at.Start < last || found != function || r.err != nil || r.pos != at.End ||
			int(function) >= m.Count(KindFunction) {
			t.Errorf("function index %d at %v after %d: found %d", function, at, last, found)
		}
		last = at.End
		exported++
	})
	for _, e := range m.Exports {
		if e.Kind == KindFunction {
			exported--
		}
	}
	if err != nil || exported < 0 {
		t.Errorf("found %d function indices fewer than exported functions, %v", -exported, err)
	}
}

// checkRanges tests that the header and the sections are the whole module, and that bodies and initial values are
// within their sections, in order.
func checkRanges(t *testing.T, b []byte, m *Module) {
	t.Helper()
	end, content := headerSize, map[SectionID]Range{}
	for _, s := range m.Sections {
		if s.Range.Start != end || s.Content.Start < s.Range.Start+2 || s.Content.Len() < 0 ||
			s.Content.End != s.Range.End {
			t.Fatalf("%s: range %v, content %v, want a start at %d", s.ID, s.Range, s.Content, end)
		}
		end, content[s.ID] = s.Range.End, s.Content
	}
	if end != len(b) {
		t.Fatalf("sections end at %d, want %d", end, len(b))
	}
	for at, i := content[SectionCode].Start, 0; i < len(m.Code); i++ {
		if m.Code[i].Start <= at || m.Code[i].Len() < 2 || m.Code[i].End > content[SectionCode].End {
			t.Fatalf("body %d: %v, want it in %v after %d", i, m.Code[i], content[SectionCode], at)
		}
		at = m.Code[i].End
	}
	for i, g := range m.Globals {
		e := g.Init.Range.In(b)
		if len(e) < 3 || e[0] != g.Init.Opcode || e[len(e)-1] != byte(End) {
			t.Fatalf("initial value of global %d: % x", i, e)
		}
	}
}

// TestAllocation tests that allocations are bounded by the size of the module: for modules that declare the most in the
// fewest bytes, and for those with counts beyond their items.
func TestAllocation(t *testing.T) {
	const factor, fixed = 24, 32 << 10
	inputs := map[string][]byte{}
	for name, make := range cappedModules() {
		inputs["largest "+name] = make(0)
	}
	for id := SectionType; id <= SectionDataCount; id++ {
		pretended := section(id, raw(0xff, 0xff, 0xff, 0xff, 0x0f))
		inputs["pretended "+id.String()] = module(types, section(SectionImport, vector(global)), pretended)
		inputs["pretended first "+id.String()] = module(pretended)
	}
	for name, b := range inputs {
		t.Run(name, func(t *testing.T) {
			if got, limit := allocated(func() { Decode(b) }), uint64(factor*len(b)+fixed); got > limit {
				t.Errorf("allocated %d bytes for a module of %d, want at most %d", got, len(b), limit)
			}
		})
	}
}

func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
