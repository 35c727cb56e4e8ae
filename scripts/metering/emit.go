package metering

import (
	"encoding/binary"

	"registrar/scripts/wasmbin"
)

// Opcodes of numeric instructions, and the empty block type.
const (
	opI32Ne      = 0x47
	opI64LtS     = 0x53
	opI64Sub     = 0x7d
	opI64Or      = 0x84
	opI64Shl     = 0x86
	opI64ShrU    = 0x88
	opI64ExtendU = 0xad // i64.extend_i32_u
	emptyBlock   = 0x40
)

// addedTypes are the types of the event, (i32) -> (), and of the helpers, (i32) -> (i32).
const addedTypes = "\x60\x01\x7f\x00" + "\x60\x01\x7f\x01\x7f"

// addedGlobals returns the globals of the fuel and of the calls left.
func addedGlobals() []byte {
	const mutable = 1
	out := append([]byte{byte(wasmbin.I64), mutable}, byte(wasmbin.I64Const), 0, byte(wasmbin.End))
	out = append(out, byte(wasmbin.I64), mutable)
	return append(appendConst(out, DefaultCalls), byte(wasmbin.End))
}

// pay appends code that takes fuel.
func (r *rewriter) pay(out []byte, fuel uint64) []byte {
	if fuel == 0 {
		return out
	}
	out = appendGlobalGet(out, r.fuel)
	out = append(appendConst(out, int64(fuel)), opI64Sub)
	return appendGlobalSet(out, r.fuel)
}

// check appends code that calls the event if the fuel is below 0.
func (r *rewriter) check(out []byte) []byte {
	out = appendGlobalGet(out, r.fuel)
	out = append(appendConst(out, 0), opI64LtS, byte(wasmbin.If), emptyBlock, byte(wasmbin.I32Const), byte(Fuel))
	return append(appendCall(out, r.imported), byte(wasmbin.End))
}

// checkBoth appends code that calls the event if the calls left or the fuel are below 0. The reason is [Calls] if the
// calls left are below 0. Because it is 1 and [Fuel] is 0, the comparison itself is the reason and needs no branch.
func (r *rewriter) checkBoth(out []byte) []byte {
	out = appendGlobalGet(out, r.calls)
	out = appendGlobalGet(out, r.fuel)
	out = append(out, opI64Or)
	out = append(appendConst(out, 0), opI64LtS, byte(wasmbin.If), emptyBlock)
	out = appendGlobalGet(out, r.calls)
	out = append(appendConst(out, 0), opI64LtS)
	return append(appendCall(out, r.imported), byte(wasmbin.End))
}

// enter appends code that saves the calls left for the functions that f calls.
func (f *function) enter(out []byte) []byte {
	out = appendGlobalGet(out, f.calls)
	out = append(appendConst(out, 1), opI64Sub, byte(wasmbin.LocalSet))
	return appendUnsigned(out, f.saved)
}

// hand appends code that sets the calls left for the function that is called next.
func (f *function) hand(out []byte) []byte {
	out = append(out, byte(wasmbin.LocalGet))
	out = appendUnsigned(out, f.saved)
	return appendGlobalSet(out, f.calls)
}

// helpers returns the bodies of the added functions, in the order of their indices. The grower is valid only in a
// module with a memory.
func (r *rewriter) helpers() [][]byte {
	helpers := [][]byte{r.payer(bytesPerFuelBits), r.payer(elementsFuelBits)}
	if r.m.Count(wasmbin.KindMemory) > 0 {
		helpers = append(helpers, r.grower())
	}
	return helpers
}

// payer returns the body of a function that pays for its parameter, shifted right, and returns the parameter.
func (r *rewriter) payer(shift int64) []byte {
	out := []byte{0} // locals
	out = appendGlobalGet(out, r.fuel)
	out = append(out, byte(wasmbin.LocalGet), 0, opI64ExtendU)
	out = append(appendConst(out, shift), opI64ShrU, opI64Sub)
	out = appendGlobalSet(out, r.fuel)
	out = r.check(out)
	return append(out, byte(wasmbin.LocalGet), 0, byte(wasmbin.End))
}

// grower returns the body of a function that replaces memory.grow and pays for the added pages.
func (r *rewriter) grower() []byte {
	out := []byte{1, 1, byte(wasmbin.I32)} // one local, for the result
	out = append(out, byte(wasmbin.LocalGet), 0, byte(wasmbin.MemoryGrow), 0, byte(wasmbin.LocalTee), 1)
	out = append(out, byte(wasmbin.I32Const), 0x7f, opI32Ne, byte(wasmbin.If), emptyBlock) // -1: no page was added
	out = appendGlobalGet(out, r.fuel)
	out = append(out, byte(wasmbin.LocalGet), 0, opI64ExtendU)
	out = append(appendConst(out, fuelPerPageBits), opI64Shl, opI64Sub)
	out = appendGlobalSet(out, r.fuel)
	out = append(r.check(out), byte(wasmbin.End))
	return append(out, byte(wasmbin.LocalGet), 1, byte(wasmbin.End))
}

func appendGlobalGet(out []byte, global uint32) []byte {
	return appendUnsigned(append(out, byte(wasmbin.GlobalGet)), global)
}

func appendGlobalSet(out []byte, global uint32) []byte {
	return appendUnsigned(append(out, byte(wasmbin.GlobalSet)), global)
}

func appendCall(out []byte, function uint32) []byte {
	return appendUnsigned(append(out, byte(wasmbin.Call)), function)
}

// appendConst appends an i64.const. Its value is in signed LEB128 (WebAssembly 2.0 §5.2.2), which is not the zigzag
// encoding of package binary.
func appendConst(out []byte, value int64) []byte {
	out = append(out, byte(wasmbin.I64Const))
	for {
		b := byte(value & 0x7f)
		value >>= 7
		if value == 0 && b&0x40 == 0 || value == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

// appendUnsigned appends an unsigned LEB128 integer, which package binary calls a uvarint.
func appendUnsigned(out []byte, value uint32) []byte { return binary.AppendUvarint(out, uint64(value)) }

// unsigned returns the unsigned LEB128 integer at the beginning of b, and its size. wasmbin has checked it.
func unsigned(b []byte) (value, size int) {
	v, size := binary.Uvarint(b)
	return int(v), size
}

func appendName(out []byte, name string) []byte {
	return append(appendUnsigned(out, uint32(len(name))), name...)
}
