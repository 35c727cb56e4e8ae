package wasmbin

import "fmt"

// Opcode identifies an instruction (WebAssembly 2.0 §5.4): by its byte or, for those with a prefix, by the prefix
// shifted left by eight plus the number that follows it.
type Opcode uint16

// Opcodes that this package or its users refer to.
const (
	Unreachable  Opcode = 0x00
	Nop          Opcode = 0x01
	Block        Opcode = 0x02
	Loop         Opcode = 0x03
	If           Opcode = 0x04
	Else         Opcode = 0x05
	End          Opcode = 0x0b
	Br           Opcode = 0x0c
	BrIf         Opcode = 0x0d
	BrTable      Opcode = 0x0e
	Return       Opcode = 0x0f
	Call         Opcode = 0x10
	CallIndirect Opcode = 0x11
	Drop         Opcode = 0x1a
	Select       Opcode = 0x1b
	SelectTyped  Opcode = 0x1c
	LocalGet     Opcode = 0x20
	LocalSet     Opcode = 0x21
	LocalTee     Opcode = 0x22
	GlobalGet    Opcode = 0x23
	GlobalSet    Opcode = 0x24
	TableGet     Opcode = 0x25
	TableSet     Opcode = 0x26
	I32Load      Opcode = 0x28
	I64Store32   Opcode = 0x3e // the last of the loads and stores
	MemorySize   Opcode = 0x3f
	MemoryGrow   Opcode = 0x40
	I32Const     Opcode = 0x41
	I64Const     Opcode = 0x42
	F32Const     Opcode = 0x43
	F64Const     Opcode = 0x44
	I32Eqz       Opcode = 0x45 // the first of the numeric instructions
	I64Extend32S Opcode = 0xc4 // the last
	RefNull      Opcode = 0xd0
	RefIsNull    Opcode = 0xd1
	RefFunc      Opcode = 0xd2

	I64TruncSatF64U Opcode = 0xfc07 // the last of the saturating conversions
	MemoryInit      Opcode = 0xfc08
	DataDrop        Opcode = 0xfc09
	MemoryCopy      Opcode = 0xfc0a
	MemoryFill      Opcode = 0xfc0b
	TableInit       Opcode = 0xfc0c
	ElemDrop        Opcode = 0xfc0d
	TableCopy       Opcode = 0xfc0e
	TableGrow       Opcode = 0xfc0f
	TableSize       Opcode = 0xfc10
	TableFill       Opcode = 0xfc11

	V128Store         Opcode = 0xfd0b
	V128Const         Opcode = 0xfd0c
	I8x16Shuffle      Opcode = 0xfd0d
	I8x16ExtractLaneS Opcode = 0xfd15 // the first of the instructions with a lane
	F64x2ReplaceLane  Opcode = 0xfd22 // the last
	V128Load8Lane     Opcode = 0xfd54 // the first of the loads and stores with a lane
	V128Store64Lane   Opcode = 0xfd5b // the last
	V128Load64Zero    Opcode = 0xfd5d

	prefixGC     Opcode = 0xfb
	prefixMisc   Opcode = 0xfc
	prefixVector Opcode = 0xfd
	prefixAtomic Opcode = 0xfe
)

// String returns the name in the text format for instructions that have immediates or are not accepted, and the number
// for others, which never occur in messages.
func (o Opcode) String() string {
	if name := opcodeNames[o]; name != "" {
		return name
	}
	if o > 0xff {
		return fmt.Sprintf("instruction 0x%02x %d", byte(o>>8), byte(o))
	}
	return fmt.Sprintf("instruction 0x%02x", byte(o))
}

var opcodeNames = map[Opcode]string{
	Block: "block", Loop: "loop", If: "if", Else: "else", End: "end",
	Br: "br", BrIf: "br_if", BrTable: "br_table", Call: "call", CallIndirect: "call_indirect",
	SelectTyped: "select", LocalGet: "local.get", LocalSet: "local.set", LocalTee: "local.tee",
	GlobalGet: "global.get", GlobalSet: "global.set", TableGet: "table.get", TableSet: "table.set",
	0x28: "i32.load", 0x29: "i64.load", 0x2a: "f32.load", 0x2b: "f64.load",
	0x2c: "i32.load8_s", 0x2d: "i32.load8_u", 0x2e: "i32.load16_s", 0x2f: "i32.load16_u",
	0x30: "i64.load8_s", 0x31: "i64.load8_u", 0x32: "i64.load16_s", 0x33: "i64.load16_u",
	0x34: "i64.load32_s", 0x35: "i64.load32_u",
	0x36: "i32.store", 0x37: "i64.store", 0x38: "f32.store", 0x39: "f64.store",
	0x3a: "i32.store8", 0x3b: "i32.store16", 0x3c: "i64.store8", 0x3d: "i64.store16", 0x3e: "i64.store32",
	MemorySize: "memory.size", MemoryGrow: "memory.grow",
	I32Const: "i32.const", I64Const: "i64.const", F32Const: "f32.const", F64Const: "f64.const",
	RefNull: "ref.null", RefFunc: "ref.func",
	MemoryInit: "memory.init", DataDrop: "data.drop", MemoryCopy: "memory.copy", MemoryFill: "memory.fill",
	TableInit: "table.init", ElemDrop: "elem.drop", TableCopy: "table.copy", TableGrow: "table.grow",
	TableSize: "table.size", TableFill: "table.fill",
	0xfd00: "v128.load", 0xfd01: "v128.load8x8_s", 0xfd02: "v128.load8x8_u", 0xfd03: "v128.load16x4_s",
	0xfd04: "v128.load16x4_u", 0xfd05: "v128.load32x2_s", 0xfd06: "v128.load32x2_u",
	0xfd07: "v128.load8_splat", 0xfd08: "v128.load16_splat", 0xfd09: "v128.load32_splat", 0xfd0a: "v128.load64_splat",
	V128Store: "v128.store", V128Const: "v128.const", I8x16Shuffle: "i8x16.shuffle",
	0xfd15: "i8x16.extract_lane_s", 0xfd16: "i8x16.extract_lane_u", 0xfd17: "i8x16.replace_lane",
	0xfd18: "i16x8.extract_lane_s", 0xfd19: "i16x8.extract_lane_u", 0xfd1a: "i16x8.replace_lane",
	0xfd1b: "i32x4.extract_lane", 0xfd1c: "i32x4.replace_lane", 0xfd1d: "i64x2.extract_lane",
	0xfd1e: "i64x2.replace_lane",
	0xfd1f: "f32x4.extract_lane", 0xfd20: "f32x4.replace_lane", 0xfd21: "f64x2.extract_lane",
	0xfd22: "f64x2.replace_lane",
	0xfd54: "v128.load8_lane", 0xfd55: "v128.load16_lane", 0xfd56: "v128.load32_lane", 0xfd57: "v128.load64_lane",
	0xfd58: "v128.store8_lane", 0xfd59: "v128.store16_lane", 0xfd5a: "v128.store32_lane", 0xfd5b: "v128.store64_lane",
	0xfd5c: "v128.load32_zero", 0xfd5d: "v128.load64_zero",

	0x06: "try", 0x07: "catch", 0x08: "throw", 0x09: "rethrow", 0x0a: "throw_ref", 0x18: "delegate", 0x19: "catch_all",
	0x1f: "try_table", 0x12: "return_call", 0x13: "return_call_indirect", 0x14: "call_ref", 0x15: "return_call_ref",
	0xd3: "ref.eq", 0xd4: "ref.as_non_null", 0xd5: "br_on_null", 0xd6: "br_on_non_null",
	0xfc12: "memory.discard", 0xfc13: "i64.add128", 0xfc14: "i64.sub128", 0xfc15: "i64.mul_wide_s",
	0xfc16: "i64.mul_wide_u",
}

// proposal returns the proposal after WebAssembly 2.0 that a one-byte opcode belongs to, or "".
func (o Opcode) proposal() string {
	switch o {
	case 0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f:
		return "exception handling"
	case 0x12, 0x13:
		return "tail calls"
	case 0x14, 0x15, 0xd4, 0xd5, 0xd6:
		return "typed function references"
	case 0xd3, prefixGC:
		return "garbage collection"
	case prefixAtomic:
		return "threads"
	}
	return ""
}

// noVector reports whether a number below 256 is not assigned to a vector instruction (WebAssembly 2.0 §5.4.8).
func noVector(number uint32) bool {
	switch number {
	case 0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2, 0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3, 0xd4,
		0xe2, 0xee:
		return true
	}
	return false
}
