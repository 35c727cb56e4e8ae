package hostile

import "strings"

// Parts of a module are strings of bytes: they are put together with +.

// Section identifiers (WebAssembly 2.0 §5.5.2).
const (
	secCustom    = 0
	secType      = 1
	secImport    = 2
	secFunction  = 3
	secTable     = 4
	secMemory    = 5
	secGlobal    = 6
	secExport    = 7
	secStart     = 8
	secElement   = 9
	secCode      = 10
	secData      = 11
	secDataCount = 12
)

const header = "\x00asm\x01\x00\x00\x00"

// maxU32 in LEB128: a count that no module can keep.
const manyLEB = "\xff\xff\xff\xff\x0f"

// maxU32 is the largest index, length or address.
const maxU32 = 1<<32 - 1

// u32 is an unsigned integer in LEB128 (WebAssembly 2.0 §5.2.2).
func u32(n uint32) string {
	var b []byte
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return string(append(b, byte(n)))
}

// s64 is a signed integer in LEB128.
func s64(n int64) string {
	var b []byte
	for n < -64 || n >= 64 {
		b = append(b, byte(n)&0x7f|0x80)
		n >>= 7
	}
	return string(append(b, byte(n)&0x7f))
}

// vec is a vector (WebAssembly 2.0 §5.1.3).
func vec(items ...string) string { return u32(uint32(len(items))) + strings.Join(items, "") }

// same is a vector of n equal items.
func same(n int, item string) string { return u32(uint32(n)) + strings.Repeat(item, n) }

// name is a name, a vector of bytes.
func name(s string) string { return u32(uint32(len(s))) + s }

// section is a section with its size.
func section(id byte, content string) string { return string([]byte{id}) + name(content) }

// custom is a custom section.
func custom(title, content string) string { return section(secCustom, name(title)+content) }

// signature is a function type, written as its parameters, a colon and its results: i and I are i32 and i64, f and F
// are f32 and f64.
func signature(s string) string {
	params, results, _ := strings.Cut(s, ":")
	values := strings.NewReplacer("i", "\x7f", "I", "\x7e", "f", "\x7d", "F", "\x7c")
	return "\x60" + name(values.Replace(params)) + name(values.Replace(results))
}

// The value types.
const (
	tI32     = "\x7f"
	tI64     = "\x7e"
	tV128    = "\x7b"
	tFuncRef = "\x70"
)

// Instructions without immediates, or with the only ones that are needed here.
const (
	unreachable = "\x00"
	nop         = "\x01"
	elseOf      = "\x05"
	end         = "\x0b"
	ret         = "\x0f"
	drop        = "\x1a"
	eqz         = "\x45"
	add         = "\x6a"
	sub         = "\x6b"
	mul         = "\x6c"
	add64       = "\x7c"
	mul64       = "\x7e"
	xor64       = "\x85"
	memorySize  = "\x3f\x00"
	memoryGrow  = "\x40\x00"
	memoryCopy  = "\xfc\x0a\x00\x00"
	memoryFill  = "\xfc\x0b\x00"
	refNull     = "\xd0\x70"
)

func i32(n uint32) string       { return "\x41" + s64(int64(int32(n))) }
func i64(n int64) string        { return "\x42" + s64(n) }
func f64(bytes string) string   { return "\x44" + bytes }
func call(f uint32) string      { return "\x10" + u32(f) }
func br(label uint32) string    { return "\x0c" + u32(label) }
func brIf(label uint32) string  { return "\x0d" + u32(label) }
func get(local uint32) string   { return "\x20" + u32(local) }
func set(local uint32) string   { return "\x21" + u32(local) }
func tee(local uint32) string   { return "\x22" + u32(local) }
func getG(global uint32) string { return "\x23" + u32(global) }
func setG(global uint32) string { return "\x24" + u32(global) }

// load and store are of an i32 at an address on the stack.
func load(offset uint32) string  { return "\x28\x02" + u32(offset) }
func store(offset uint32) string { return "\x36\x02" + u32(offset) }

func block(body string) string { return "\x02\x40" + body + end }
func loop(body string) string  { return "\x03\x40" + body + end }
func when(body string) string  { return "\x04\x40" + body + end }

// forever runs a body again and again.
func forever(body string) string { return loop(body + br(0)) }

// times runs a body n times; the local of that index counts.
func times(n, local uint32, body string) string {
	return i32(n) + set(local) + loop(body+get(local)+i32(1)+sub+tee(local)+brIf(0))
}

// must traps where the value on the stack is 0.
const must = eqz + "\x04\x40" + unreachable + end

// callIndirect calls the function of a type at the index on the stack.
func callIndirect(signature uint32) string { return "\x11" + u32(signature) + "\x00" }

// brTable branches by the value on the stack.
func brTable(fallback uint32, labels ...uint32) string {
	var items []string
	for _, l := range labels {
		items = append(items, u32(l))
	}
	return "\x0e" + vec(items...) + u32(fallback)
}

// groups are declarations of locals: so many of each type.
func groups(g ...string) string { return vec(g...) }

func group(n uint32, valueType string) string { return u32(n) + valueType }
