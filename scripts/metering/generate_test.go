package metering_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strings"
)

// A generator makes modules that are valid, end, and differ from each other: what two engines make of one must be the
// same. Numbers that are none are never seen, since engines may choose their bits.
type generator struct {
	*rand.Rand
	body      strings.Builder
	locals    []byte   // types of the function's variables
	result    string   // of the function, as its type has it
	functions []string // results of those that can be called, which have no parameters
	active    []bool   // by data segment
	around    []byte   // opcodes of the blocks that are open
	loops     int      // how many of them are loops, each of which has a counter of its own
}

const (
	tI32 = 0x7f
	tI64 = 0x7e
	tF64 = 0x7c

	counters = 3 // variables that count the rounds of loops, at the end
)

func ulebOf(n int) string { return string(binary.AppendUvarint(nil, uint64(n))) }

func slebOf(n int64) string {
	var b []byte
	for n < -64 || n >= 64 {
		b = append(b, byte(n)&0x7f|0x80)
		n >>= 7
	}
	return string(append(b, byte(n)&0x7f))
}

func bytesOf(s string) string { return ulebOf(len(s)) + s }

func vector(items []string) string { return ulebOf(len(items)) + strings.Join(items, "") }

func sectionOf(id byte, items ...string) string { return string([]byte{id}) + bytesOf(vector(items)) }

// module returns a module with exported functions f0, f1 and so on without parameters, the memory and three globals.
func (g *generator) module() (wasm string, functions int) {
	types := []string{"\x60\x00\x01\x7f", "\x60\x00\x01\x7e", "\x60\x00\x00"}
	g.active = make([]bool, 1+g.IntN(4))
	var data []string
	for i := range g.active {
		content := strings.Repeat(string(rune('a'+i)), g.IntN(40))
		if g.active[i] = g.IntN(2) == 0; g.active[i] {
			data = append(data, "\x00\x41"+slebOf(int64(g.IntN(65_000)))+"\x0b"+bytesOf(content))
		} else {
			data = append(data, "\x01"+bytesOf(content))
		}
	}
	functions = 3 + g.IntN(5)
	var indices, bodies, exports []string
	g.functions = nil
	for f := range functions {
		t := g.IntN(len(types))
		indices = append(indices, ulebOf(t))
		bodies = append(bodies, bytesOf(g.function(types[t][2:])))
		g.functions = append(g.functions, types[t][2:])
		exports = append(exports, bytesOf("f"+string(rune('0'+f)))+"\x00"+ulebOf(f))
	}
	exports = append(exports, bytesOf("memory")+"\x02\x00", bytesOf("g0")+"\x03\x00", bytesOf("g1")+"\x03\x01")
	var elements []string
	for range 4 {
		elements = append(elements, ulebOf(g.IntN(functions)))
	}
	wasm = header + sectionOf(1, types...) + sectionOf(3, indices...) +
		sectionOf(4, "\x70\x00\x0a") + sectionOf(5, "\x01\x01\x03") +
		sectionOf(6, "\x7f\x01\x41"+slebOf(int64(g.IntN(100)))+"\x0b", "\x7e\x01\x42\x07\x0b") +
		sectionOf(7, exports...) +
		sectionOf(9, "\x00\x41\x01\x0b"+vector(elements), "\x01\x00"+vector(elements)) +
		"\x0c" + bytesOf(ulebOf(len(data))) + sectionOf(10, bodies...) + sectionOf(11, data...)
	return wasm, functions
}

// function returns a body with its locals, for a function with these results.
func (g *generator) function(results string) string {
	g.body.Reset()
	n := 1 + g.IntN(6)
	g.locals = nil
	var declared []string
	for range n {
		t := []byte{tI32, tI64, tF64}[g.IntN(3)]
		g.locals = append(g.locals, t)
		declared = append(declared, string([]byte{1, t}))
	}
	declared = append(declared, string([]byte{counters, tI32}))
	g.result, g.around, g.loops = results, nil, 0
	for range 2 + g.IntN(8) {
		g.statement()
	}
	if results != none {
		g.value(results[1])
	}
	return vector(declared) + g.body.String() + "\x0b"
}

func (g *generator) emit(code ...byte) { g.body.Write(code) }

func (g *generator) text(code string) { g.body.WriteString(code) }

// local returns a variable of a type, -1 where there is none.
func (g *generator) local(t byte) int {
	for _, at := range g.Perm(len(g.locals)) {
		if g.locals[at] == t {
			return at
		}
	}
	return -1
}

// address is mostly in the memory.
func (g *generator) address() {
	if g.IntN(60) == 0 {
		g.value(tI32)
		return
	}
	g.text("\x41" + slebOf(int64(g.IntN(65_600))))
}

// small is mostly a small number.
func (g *generator) small() {
	switch n := g.IntN(40); {
	case n == 0:
		g.value(tI32)
	case n < 8:
		g.text("\x41" + slebOf(int64(g.IntN(30))))
	default:
		g.text("\x41" + slebOf(int64(g.IntN(3))))
	}
}

// block writes an opcode that opens a block, statements, and what closes it.
func (g *generator) block(opcode byte, statements int) {
	g.emit(opcode, 0x40)
	g.around = append(g.around, opcode)
	for range statements {
		g.statement()
	}
	if opcode == 0x04 && g.IntN(2) == 0 { // else
		g.emit(0x05)
		g.statement()
	}
	if opcode == 0x02 {
		g.leave()
		g.statement()
	}
	g.around = g.around[:len(g.around)-1]
	if opcode != 0x03 {
		g.emit(0x0b)
	}
}

// statement writes code that leaves the stack as it was.
func (g *generator) statement() {
	kind, segment := g.IntN(18), g.IntN(len(g.active))
	if len(g.around) > 3 {
		kind %= 13
	}
	switch kind {
	case 0, 1, 2:
		t := g.locals[g.IntN(len(g.locals))]
		g.value(t)
		g.text("\x21" + ulebOf(g.local(t)))
	case 3:
		g.value(tI32)
		g.text("\x24\x00")
	case 4:
		g.value(tI64)
		g.text("\x24\x01")
	case 5:
		g.address()
		g.value(tI32)
		g.text("\x36\x00" + ulebOf(g.IntN(8)))
	case 6:
		g.address()
		g.value(tI64)
		g.text("\x37\x00" + ulebOf(g.IntN(8)))
	case 7: // memory.init
		g.address()
		g.small()
		g.small()
		g.text("\xfc\x08" + ulebOf(segment) + "\x00")
	case 8: // data.drop
		g.text("\xfc\x09" + ulebOf(segment))
	case 9: // memory.copy
		g.address()
		g.address()
		g.small()
		g.text("\xfc\x0a\x00\x00")
	case 10: // memory.fill
		g.address()
		g.value(tI32)
		g.small()
		g.text("\xfc\x0b\x00")
	case 11:
		g.table()
	case 12:
		if f := len(g.functions); f > 0 && g.loops == 0 {
			f = g.IntN(f)
			g.text("\x10" + ulebOf(f))
			if g.functions[f] != none {
				g.emit(0x1a)
			}
		}
	case 13:
		g.value(tI32)
		g.block(0x04, 1+g.IntN(3))
	case 14:
		g.block(0x02, 1+g.IntN(3))
	case 15:
		g.loop()
	case 16: // memory.grow
		g.text("\x41" + slebOf(int64(g.IntN(3))) + "\x40\x00\x1a")
	case 17: // return
		g.value(tI32)
		g.emit(0x04, 0x40)
		if g.result != none {
			g.value(g.result[1])
		}
		g.emit(0x0f, 0x0b)
	}
}

// none is the results of a function that has none.
const none = "\x00"

// loop runs statements a few times.
func (g *generator) loop() {
	if g.loops == counters {
		return
	}
	counter := ulebOf(len(g.locals) + g.loops)
	g.text("\x41" + slebOf(int64(1+g.IntN(5))) + "\x21" + counter)
	g.loops++
	g.block(0x03, 1+g.IntN(3))
	g.loops--
	g.text("\x20" + counter + "\x41\x01\x6b\x22" + counter + "\x0d\x00\x0b")
}

// leave leaves one of the blocks around, unless it is a loop, which would begin anew.
func (g *generator) leave() {
	label := g.IntN(len(g.around))
	if g.around[len(g.around)-1-label] == 0x03 {
		return
	}
	g.value(tI32)
	g.text("\x0d" + ulebOf(label))
}

// table writes an instruction that changes the table, or calls by it.
func (g *generator) table() {
	switch g.IntN(4) {
	case 0: // table.init
		g.small()
		g.small()
		g.small()
		g.text("\xfc\x0c" + ulebOf(g.IntN(2)) + "\x00")
	case 1: // elem.drop
		g.text("\xfc\x0d" + ulebOf(g.IntN(2)))
	case 2: // table.copy
		g.small()
		g.small()
		g.small()
		g.text("\xfc\x0e\x00\x00")
	case 3: // table.fill
		g.small()
		g.text("\xd0\x70")
		g.small()
		g.text("\xfc\x11\x00")
	}
}

// value writes code that leaves a value of a type on the stack.
func (g *generator) value(t byte) {
	if at := g.local(t); at >= 0 && g.IntN(3) == 0 {
		g.text("\x20" + ulebOf(at))
		return
	}
	switch t {
	case tI32:
		g.i32()
	case tI64:
		g.i64()
	case tF64:
		g.f64()
	}
}

// pick writes one of some opcodes, which take values of types.
func (g *generator) pick(opcodes string, types ...byte) {
	for _, t := range types {
		g.value(t)
	}
	g.emit(opcodes[g.IntN(len(opcodes))])
}

// divide writes one of some divisions, which trap where the divisor is 0. Mostly it is not: one of its bits is set.
func (g *generator) divide(constant, or, opcodes string, t byte) {
	g.value(t)
	g.value(t)
	if g.IntN(20) > 0 {
		g.text(constant + "\x01" + or)
	}
	g.pick(opcodes)
}

func (g *generator) i32() {
	switch g.IntN(12) {
	case 0:
		g.address()
		g.text("\x28\x00" + ulebOf(g.IntN(8)))
	case 1, 2:
		g.pick("\x6a\x6b\x6c\x71\x72\x73\x74\x75\x76\x77\x78\x46\x47\x48\x49\x4a\x4f", tI32, tI32)
	case 3:
		g.divide("\x41", "\x72", "\x6d\x6e\x6f\x70", tI32)
	case 4:
		g.pick("\x45\x67\x68\x69\xc0\xc1", tI32)
	case 5:
		g.pick("\x51\x53\x54\x59", tI64, tI64)
	case 6:
		g.pick("\x61\x62\x63\x64\x65\x66", tF64, tF64)
	case 7:
		g.value(tF64)
		g.text([]string{"\xaa", "\xab", "\xfc\x02", "\xfc\x03"}[min(g.IntN(40), 2+g.IntN(2))]) // the first two may trap
	case 8:
		g.pick("\xa7", tI64)
	case 9:
		g.text("\x23\x00")
	default:
		g.text("\x41" + slebOf(int64(int32(g.Uint32()>>g.IntN(32)))))
	}
}

func (g *generator) i64() {
	switch g.IntN(9) {
	case 0:
		g.address()
		g.text("\x29\x00" + ulebOf(g.IntN(8)))
	case 1, 2:
		g.pick("\x7c\x7d\x7e\x83\x84\x85\x86\x87\x88\x89\x8a", tI64, tI64)
	case 3:
		g.divide("\x42", "\x84", "\x7f\x80\x81\x82", tI64)
	case 4:
		g.pick("\xac\xad", tI32)
	case 5:
		g.value(tF64)
		g.text([]string{"\xb0", "\xb1", "\xfc\x06", "\xfc\x07"}[min(g.IntN(40), 2+g.IntN(2))])
	case 6:
		g.text("\x23\x01")
	default:
		g.text("\x42" + slebOf(int64(g.Uint64()>>g.IntN(64))))
	}
}

func (g *generator) f64() {
	switch g.IntN(8) {
	case 0, 1:
		g.pick("\xa0\xa1\xa2\xa3\xa4\xa5", tF64, tF64) // not copysign, which shows the sign of what is no number
	case 2:
		g.pick("\x99\x9a\x9b\x9c\x9d\x9e\x9f", tF64)
	case 3:
		g.pick("\xb7\xb8", tI32)
	case 4:
		g.pick("\xb9\xba", tI64)
	default:
		numbers := []float64{0, math.Copysign(0, -1), 1, -1.5, 0.5, 1e300, -1e300, math.Inf(1), 1<<31 + 0.5,
			math.MinInt64}
		number := math.Float64bits(numbers[g.IntN(len(numbers))])
		g.text("\x44" + string(binary.LittleEndian.AppendUint64(nil, number)))
	}
}
