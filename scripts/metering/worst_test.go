package metering_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
)

// The functions below build binaries.

func leb(n int) []byte {
	var b []byte
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func sized(parts ...[]byte) []byte {
	b := slices.Concat(parts...)
	return slices.Concat(leb(len(b)), b)
}

func section(id byte, n int, items ...[]byte) []byte {
	return slices.Concat([]byte{id}, sized(leb(n), slices.Concat(items...)))
}

func repeat(n int, b ...byte) []byte { return bytes.Repeat(b, n) }

// A worst is a function without parameters, of type 0, that takes much time for little fuel.
type worst struct {
	name         string
	types        [][]byte
	globals      int // i64, mutable
	locals       int // i64
	instructions []byte
	others       [][]byte // bodies of functions from 1, with types from 1
}

func (w worst) module() []byte {
	types := slices.Concat([][]byte{{0x60, 0, 0}}, w.types)
	var functions, bodies []byte
	functions = append(functions, 0)
	locals := leb(0)
	if w.locals > 0 {
		locals = slices.Concat(leb(1), leb(w.locals), []byte{0x7e})
	}
	bodies = sized(locals, w.instructions, []byte{0x0b})
	for i, b := range w.others {
		functions = append(functions, leb(min(i+1, len(types)-1))...)
		bodies = append(bodies, sized(b, []byte{0x0b})...)
	}
	n := 1 + len(w.others)
	return slices.Concat([]byte(header), section(1, len(types), slices.Concat(types...)), section(3, n, functions),
		section(4, 1, []byte{0x70, 0}, leb(65_536)), section(5, 1, []byte{0, 1}),
		section(6, w.globals, repeat(w.globals, 0x7e, 1, 0x42, 0, 0x0b)),
		section(7, 1, []byte{3, 'r', 'u', 'n', 0, 0}), section(10, n, bodies))
}

func worsts() []worst {
	spin := func(instructions ...[]byte) []byte {
		return slices.Concat([]byte{0x03, 0x40}, slices.Concat(instructions...), []byte{0x0c, 0, 0x0b})
	}
	// setAll adds 1 to each of n locals or globals, by the given opcodes of get and set.
	setAll := func(get, set byte, n int) []byte {
		var b []byte
		for i := range n {
			b = slices.Concat(b, []byte{get}, leb(i), []byte{0x42, 1, 0x7c, set}, leb(i))
		}
		return b
	}
	never := func(b []byte) []byte { // if memory[0] != 0
		return slices.Concat([]byte{0x41, 0, 0x28, 2, 0, 0x04, 0x40}, b, []byte{0x0b})
	}
	many := slices.Concat([]byte{0x60}, leb(1000), repeat(1000, 0x7e), leb(1000), repeat(1000, 0x7e))
	thousand := slices.Concat([]byte{0x60, 0}, leb(1000), repeat(1000, 0x7e))
	zeros := repeat(1000, 0x42, 0)
	i32 := func(n int64) []byte { // i32.const
		b := []byte{0x41}
		for range 4 {
			b = append(b, byte(n&0x7f)|0x80)
			n >>= 7
		}
		return append(b, byte(n&0x7f))
	}
	return []worst{
		{name: "an empty loop", instructions: spin()},
		{name: "locals that are never set", locals: 2000, instructions: spin(never(setAll(0x20, 0x21, 2000)))},
		{name: "few locals that are never set", locals: 64, instructions: spin(never(setAll(0x20, 0x21, 64)))},
		{name: "globals that are never set", globals: 2000, instructions: spin(never(setAll(0x23, 0x24, 2000)))},
		{name: "calls past globals", globals: 2000, types: [][]byte{{0x60, 0, 0}}, others: [][]byte{{0, 0x10, 1}, {0}},
			instructions: spin([]byte{0x10, 2, 0x10, 2, 0x10, 2}, never(setAll(0x23, 0x24, 2000)))},
		{name: "a loop of 1,000 parameters", types: [][]byte{many},
			instructions: slices.Concat(zeros, []byte{0x03, 1, 0x0c, 0, 0x0b}, repeat(1000, 0x1a))},
		{name: "calls of 1,000 results", types: [][]byte{thousand, thousand},
			others:       [][]byte{slices.Concat([]byte{0, 0x10, 2}), slices.Concat([]byte{0}, zeros)},
			instructions: spin([]byte{0x10, 1}, repeat(1000, 0x1a))},
		{name: "memory.fill", instructions: spin(i32(0), i32(0), i32(65_536), []byte{0xfc, 11, 0})},
		{name: "memory.copy", instructions: spin(i32(0), i32(1), i32(65_535), []byte{0xfc, 10, 0, 0})},
		{name: "memory.fill of little", instructions: spin(i32(0), i32(0), i32(63), []byte{0xfc, 11, 0})},
		{name: "table.fill", instructions: spin(i32(0), []byte{0xd0, 0x70}, i32(65_536), []byte{0xfc, 17, 0})},
		{name: "table.copy", instructions: spin(i32(0), i32(1), i32(65_535), []byte{0xfc, 14, 0, 0})},
		{name: "table.fill of little", instructions: spin(i32(0), []byte{0xd0, 0x70}, i32(7), []byte{0xfc, 17, 0})},
		{name: "memory.grow that fails", instructions: spin(i32(65_536), []byte{0x40, 0, 0x1a})},
		{name: "memory.grow by nothing", instructions: spin(i32(0), []byte{0x40, 0, 0x1a})},
		{name: "f64.sqrt", instructions: spin([]byte{0x44}, make([]byte, 8), repeat(100, 0x9f), []byte{0x1a})},
		{name: "i64.rem_s", instructions: spin([]byte{0x42, 0x7f}, repeat(100, 0x42, 3, 0x81), []byte{0x1a})},
	}
}

// BenchmarkWorst runs guests that take much time for their fuel, and reports the time for one unit of fuel. ns/fuel is
// also the time for a slice of 1,000,000, in milliseconds.
func BenchmarkWorst(b *testing.B) {
	for _, w := range worsts() {
		b.Run(w.name, func(b *testing.B) {
			const fuel = 1_000_000
			m := &meter{slice: fuel}
			r := newRuntime(b, wazero.NewRuntimeConfig().WithMemoryLimitPages(256), m)
			begin := time.Now()
			compiled, err := r.CompileModule(b.Context(), rewrite(b, w.module()))
			if err != nil {
				b.Fatal(err)
			}
			compiling := time.Since(begin)
			for b.Loop() {
				guest, err := r.InstantiateModule(b.Context(), compiled, wazero.NewModuleConfig().WithName(""))
				if err != nil {
					b.Fatal(err)
				}
				m.budget = fuel
				if _, err := guest.ExportedFunction("run").Call(b.Context()); !errors.Is(err, errFuel) {
					b.Fatalf("got %v, want it out of fuel", err)
				}
				guest.Close(context.Background())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/fuel, "ns/fuel")
			b.ReportMetric(float64(compiling.Milliseconds()), "compile-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}
