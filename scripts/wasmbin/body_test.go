package wasmbin

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// body returns a code section with one body without locals.
func body(instructions ...byte) []byte {
	return section(SectionCode, vector(sized(raw(0), instructions, raw(0x0b))))
}

func sized(parts ...[]byte) []byte {
	b := slices.Concat(parts...)
	return slices.Concat(leb(len(b)), b)
}

// full returns a module with items of all kinds. Its function 1 has the parameters (i32, i64, v128), the results
// (f32, f64), a local and the given instructions.
func full(instructions ...byte) []byte {
	return module(types, section(SectionImport, vector(function)), section(SectionFunction, vector(raw(1), raw(0))),
		section(SectionTable, vector(raw(0x70, 0, 1), raw(0x6f, 0, 1))), memories,
		section(SectionGlobal, vector(slices.Concat(raw(0x7f, 1), constInt), slices.Concat(raw(0x7f, 0), constInt))),
		section(SectionElement, vector(raw(1, 0, 1, 0), raw(3, 0, 1, 2))), section(SectionDataCount, raw(1)),
		section(SectionCode, vector(sized(raw(1, 1, 0x7f), instructions, raw(0x0b)), raw(2, 0, 0x0b))),
		section(SectionData, vector(raw(1, 1, 'a'))))
}

// The instructions are valid, except for the values on the stack.
func TestInstructions(t *testing.T) {
	v128 := make([]byte, 16)
	tests := []struct {
		name string
		in   []byte
		want Instruction // the first one, without its range
	}{
		{"block of nothing", raw(0x02, 0x40, 0x0b), Instruction{Opcode: Block}},
		{"block of a value", raw(0x02, 0x7f, 0x0b), Instruction{Opcode: Block}},
		{"block of a function type", raw(0x02, 1, 0x0b), Instruction{Opcode: Block, Values: 3}},
		{"loop of a function type, the index not minimal", raw(0x03, 0x81, 0x00, 0x0b),
			Instruction{Opcode: Loop, Values: 3}},
		{"if with an else", raw(0x04, 0x40, 0x05, 0x0b), Instruction{Opcode: If}},
		{"branch to the body", raw(0x0c, 0), Instruction{Opcode: Br, Values: 2}},
		{"br_table", raw(0x0e, 2, 0, 0, 0), Instruction{Opcode: BrTable, Labels: []uint32{0, 0, 0}, Values: 2}},
		{"return", raw(0x0f), Instruction{Opcode: Return, Values: 2}},
		{"call", raw(0x10, 1), Instruction{Opcode: Call, Index: 1, Values: 5}},
		{"call_indirect", raw(0x11, 1, 0), Instruction{Opcode: CallIndirect, Index: 1, Values: 5}},
		{"call_indirect, the table as linkers write it", raw(0x11, 0, 0x80, 0x80, 0x80, 0x80, 0),
			Instruction{Opcode: CallIndirect}},
		{"select of a type", raw(0x1c, 1, 0x70), Instruction{Opcode: SelectTyped}},
		{"local.get", raw(0x20, 3), Instruction{Opcode: LocalGet, Index: 3}},
		{"global.set", raw(0x24, 0), Instruction{Opcode: GlobalSet}},
		{"table.set", raw(0x26, 1), Instruction{Opcode: TableSet, Index: 1}},
		{"i64.load", raw(0x29, 3, 8), Instruction{Opcode: 0x29}},
		{"memory.grow", raw(0x40, 0), Instruction{Opcode: MemoryGrow}},
		{"i64.const", raw(0x42, 0x80, 0x7f), Instruction{Opcode: I64Const}},
		{"i32.extend8_s", raw(0xc0), Instruction{Opcode: 0xc0}},
		{"ref.func", raw(0xd2, 2), Instruction{Opcode: RefFunc, Index: 2}},
		{"i64.trunc_sat_f64_u", raw(0xfc, 7), Instruction{Opcode: I64TruncSatF64U}},
		{"i32.trunc_sat_f32_s, not minimal", raw(0xfc, 0x80, 0), Instruction{Opcode: 0xfc00}},
		{"memory.init", raw(0xfc, 8, 0, 0), Instruction{Opcode: MemoryInit}},
		{"table.init", raw(0xfc, 12, 1, 0), Instruction{Opcode: TableInit, Index: 1}},
		{"table.copy", raw(0xfc, 14, 1, 0), Instruction{Opcode: TableCopy}},
		{"v128.const", slices.Concat(raw(0xfd, 12), v128), Instruction{Opcode: V128Const}},
		{"i8x16.shuffle", slices.Concat(raw(0xfd, 13), v128[:15], raw(31)), Instruction{Opcode: I8x16Shuffle}},
		{"i16x8.abs", raw(0xfd, 0x80, 1), Instruction{Opcode: 0xfd80}},
		{"v128.store64_lane", raw(0xfd, 0x5b, 3, 0, 1), Instruction{Opcode: V128Store64Lane}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := full(test.in...)
			m, err := Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			checkDecoded(t, b, m)
			body, got := m.Body(b, 0), Instruction{}
			if !body.Next(&got) || body.Locals() != 4 {
				t.Fatalf("%d locals and error %v, want 4 and none", body.Locals(), body.Err())
			}
			got.Range = Range{}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("instruction (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNextReturnsFalseAfterEnd(t *testing.T) {
	b := full(0x01)
	m, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	body := m.Body(b, 1)
	var i Instruction
	if !body.Next(&i) || i.Opcode != End || body.Next(&i) || body.Err() != nil {
		t.Errorf("got %s and %v, want an end and nothing after it", i.Opcode, body.Err())
	}
}
