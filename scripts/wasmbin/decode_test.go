package wasmbin

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The functions below build binaries: a module from sections, a section from parts, a part from bytes.

func module(sections ...[]byte) []byte {
	return slices.Concat([]byte(magic+version), slices.Concat(sections...))
}

func section(id SectionID, parts ...[]byte) []byte {
	content := slices.Concat(parts...)
	return slices.Concat([]byte{byte(id)}, leb(len(content)), content)
}

func custom(name string) []byte { return section(SectionCustom, text(name), []byte("anything")) }

func vector(items ...[]byte) []byte { return slices.Concat(leb(len(items)), slices.Concat(items...)) }

func repeat(item []byte, n int) []byte { return slices.Concat(leb(n), bytes.Repeat(item, n)) }

func text(s string) []byte { return slices.Concat(leb(len(s)), []byte(s)) }

func leb(n int) []byte {
	var b []byte
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func raw(b ...byte) []byte { return b }

// Parts that many tests use.
var (
	emptyType  = raw(0x60, 0, 0)                                     // () -> ()
	numberType = raw(0x60, 3, 0x7f, 0x7e, 0x7b, 2, 0x7d, 0x7c)       // (i32, i64, v128) -> (f32, f64)
	types      = section(SectionType, vector(emptyType, numberType)) //
	functions  = section(SectionFunction, vector(raw(0), raw(1)))    //
	memories   = section(SectionMemory, vector(raw(0, 1)))           //
	bodies     = section(SectionCode, vector(raw(2, 0, 0x0b), raw(3, 0, 0, 0x0b)))
	function   = slices.Concat(text("env"), text("f"), raw(0, 1)) // imports
	table      = slices.Concat(text("env"), text("t"), raw(1, 0x6f, 1, 2, 3))
	memory     = slices.Concat(text("env"), text("m"), raw(2, 0, 1))
	global     = slices.Concat(text("env"), text("g"), raw(3, 0x7e, 0))
	variable   = slices.Concat(text("env"), text("v"), raw(3, 0x7e, 1))
	aFunction  = slices.Concat(types, section(SectionFunction, vector(raw(0))))
	aBody      = section(SectionCode, vector(raw(2, 0, 0x0b)))
	constInt   = raw(0x41, 0x7f, 0x0b)
	allImports = section(SectionImport, vector(function, table, global))
)

func TestDecode(t *testing.T) {
	b := module(
		custom("first"), types, allImports, functions,
		section(SectionTable, vector(raw(0x70, 0, 5))),
		section(SectionMemory, vector(raw(1, 0, 0x80, 0x80, 4))),
		section(SectionGlobal, vector(
			slices.Concat(raw(0x7f, 1), constInt),
			raw(0x7e, 0, 0x23, 0, 0x0b),    // global.get 0
			raw(0x70, 0, 0xd2, 2, 0x0b),    // ref.func 2
			raw(0x6f, 1, 0xd0, 0x6f, 0x0b), // ref.null extern
			slices.Concat(raw(0x7d, 0, 0x43, 0, 0, 0, 0), raw(0x0b)),
			slices.Concat(raw(0x7c, 0, 0x44), make([]byte, 8), raw(0x0b)),
			slices.Concat(raw(0x7b, 0, 0xfd, 0x0c), make([]byte, 16), raw(0x0b)),
		)),
		section(SectionExport, vector(
			slices.Concat(text("f"), raw(0, 2)), slices.Concat(text("t"), raw(1, 1)),
			slices.Concat(text("memory"), raw(2, 0)), slices.Concat(text(""), raw(3, 7)),
		)),
		section(SectionStart, raw(1)),
		section(SectionElement, vector(raw(1, 0, 1, 2))),
		custom("middle"),
		section(SectionDataCount, raw(2)), bodies,
		section(SectionData, vector(raw(1, 1, 'a'), raw(1, 1, 'b'))),
		custom("last"),
	)
	m, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	checkDecoded(t, b, m)

	want := &Module{
		Types: []FuncType{{}, {Params: []ValueType{I32, I64, V128}, Results: []ValueType{F32, F64}}},
		Imports: []Import{
			{Module: "env", Name: "f", Kind: KindFunction, Type: 1},
			{Module: "env", Name: "t", Kind: KindTable, Table: Table{ExternRef, Limits{Min: 2, Max: 3, HasMax: true}}},
			{Module: "env", Name: "g", Kind: KindGlobal, Global: GlobalType{Value: I64}},
		},
		Functions: []uint32{0, 1},
		Tables:    []Table{{FuncRef, Limits{Min: 5}}},
		Memories:  []Memory{{Limits{Max: MaxMemoryPages, HasMax: true}}},
		Globals: []Global{
			{GlobalType{I32, true}, ConstExpr{Opcode: 0x41, Value: -1}},
			{GlobalType{I64, false}, ConstExpr{Opcode: 0x23}},
			{GlobalType{FuncRef, false}, ConstExpr{Opcode: 0xd2, Index: 2}},
			{GlobalType{ExternRef, true}, ConstExpr{Opcode: 0xd0}},
			{GlobalType{F32, false}, ConstExpr{Opcode: 0x43}},
			{GlobalType{F64, false}, ConstExpr{Opcode: 0x44}},
			{GlobalType{V128, false}, ConstExpr{Opcode: 0xfd}},
		},
		Exports: []Export{{"f", KindFunction, 2}, {"t", KindTable, 1}, {"memory", KindMemory, 0}, {"", KindGlobal, 7}},
		Start:   new(uint32(1)), ElementSegments: 1, DataSegments: 2, DataCount: new(uint32(2)),
	}
	ignored := cmp.Options{cmpopts.IgnoreUnexported(Module{}), cmpopts.IgnoreTypes(Range{}, []Range{}, []Section{})}
	if diff := cmp.Diff(want, m, ignored); diff != "" {
		t.Errorf("module (-want +got):\n%s", diff)
	}

	var names []string
	for _, s := range m.Sections {
		names = append(names, strings.TrimSpace(s.ID.String()+" "+s.Name))
	}
	wantNames := []string{"custom section first", "type section", "import section", "function section", "table section",
		"memory section", "global section", "export section", "start section", "element section",
		"custom section middle",
		"data count section", "code section", "data section", "custom section last"}
	if diff := cmp.Diff(wantNames, names); diff != "" {
		t.Errorf("sections (-want +got):\n%s", diff)
	}
	if got := [][]byte{m.Code[0].In(b), m.Code[1].In(b)}; !cmp.Equal(got, [][]byte{{0, 0x0b}, {0, 0, 0x0b}}) {
		t.Errorf("bodies: got % x", got)
	}
	if got := m.Globals[0].Init.Range.In(b); !bytes.Equal(got, constInt) {
		t.Errorf("initial value of global 1: got % x, want % x", got, constInt)
	}
	for kind, want := range []int{KindFunction: 3, KindTable: 2, KindMemory: 1, KindGlobal: 8, 4: 0} {
		if got := m.Count(Kind(kind)); got != want {
			t.Errorf("index space of kind %s: got %d, want %d", Kind(kind), got, want)
		}
	}
	checkLookups(t, m)
}

// checkLookups tests the methods of the module of TestDecode.
func checkLookups(t *testing.T, m *Module) {
	signatures := []string{"(i32, i64, v128) -> (f32, f64)", "() -> ()", "(i32, i64, v128) -> (f32, f64)"}
	for i, want := range signatures {
		if got, ok := m.FuncType(uint32(i)); !ok || got.String() != want {
			t.Errorf("signature of function %d: got %s, %t; want %s", i, got, ok, want)
		}
	}
	for _, index := range []uint32{3, 1 << 31, 1<<32 - 1} {
		if got, ok := m.FuncType(index); ok {
			t.Errorf("signature of function %d: got %s, want none", index, got)
		}
	}
	for _, want := range []Export{{"f", KindFunction, 2}, {"memory", KindMemory, 0}} {
		if got, ok := m.ExportNamed(want.Name); !ok || got != want {
			t.Errorf("export named %s: got %+v, %t, want %+v", want.Name, got, ok, want)
		}
	}
	if got, ok := m.ExportNamed("Memory"); ok {
		t.Errorf("export named Memory: got %+v, want none", got)
	}
}

func TestDecodeEmpty(t *testing.T) {
	for name, b := range map[string][]byte{
		"no section":  module(),
		"only custom": module(custom("")),
		"empty sections": module(section(SectionType, raw(0)), section(SectionGlobal, raw(0)),
			section(SectionDataCount, raw(0)), section(SectionCode, raw(0))),
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			checkDecoded(t, b, m)
			if m.Types != nil || m.Globals != nil || m.Code != nil {
				t.Errorf("got %+v, want nil slices", m)
			}
		})
	}
}

func TestStrings(t *testing.T) {
	for want, got := range map[string]string{
		"() -> ()":                           FuncType{}.String(),
		"(i32, i32) -> (i32)":                FuncType{[]ValueType{I32, I32}, []ValueType{I32}}.String(),
		"(v128, funcref) -> (externref)":     FuncType{[]ValueType{V128, FuncRef}, []ValueType{ExternRef}}.String(),
		"value type 0x40":                    ValueType(0x40).String(),
		"table":                              KindTable.String(),
		"kind 0x04":                          Kind(4).String(),
		"data count section":                 SectionDataCount.String(),
		"section 14":                         SectionID(14).String(),
		"type section: count 3, at offset 9": (&Error{Offset: 9, Message: "type section: count 3"}).Error(),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
