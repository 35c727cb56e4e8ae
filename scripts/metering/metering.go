// Package metering rewrites WebAssembly modules so that they count the instructions that they execute, and can be
// stopped on a runtime without support for that. An uploaded module is decoded by wasmbin, rewritten here, and then
// compiled. See [Rewrite].
//
// # Fuel
//
// Fuel is the number of executed instructions, the same on every machine:
//
//   - Each instruction counts 1. block, loop, else and end count 0, because they only mark the targets of branches.
//   - A call counts 1 more for each 16 parameters and results of the function; a branch or return for each 16 values
//     that it carries, for br_table the maximum of its labels; block, loop and if for each 16 parameters of the block;
//     the end of a block or function for each 16 results.
//   - Entering a function, each iteration of a loop, the end of an if, the end of a block that a branch leads to, and
//     each call count 1 more for each 8 variables beyond 64: parameters, locals and the module's mutable globals. A
//     runtime may have to move all of them there, at 1 to 2 ns each.
//   - memory.fill, memory.copy and memory.init count 1 more for each 64 bytes, a cache line. table.fill, table.copy and
//     table.init count 1 more for each 8 elements, which have the same size. Moving so much memory takes about the time
//     of a few instructions.
//   - memory.grow counts 1,024 more for each page that it adds: 1 for each 64 bytes.
//
// Each quotient is rounded down, so that compiled code mostly pays only for instructions.
//
// Instructions are paid for in advance, where control enters a run of them: at the entry of a function, at the header
// of a loop, after a branch that was not taken, and where branches arrive. A run continues after a call. If an
// instruction traps, the instructions after it in its run have been paid for too.
//
// # Slices and depth
//
// The rewritten module exports two more mutable globals, [FuelExport] and [CallsExport], and imports one more function
// of type (i32) -> (), [EventName] of [EventModule]. Its parameter is a [Reason]. The guest calls it if the fuel is
// below 0: at the entry of a function, in each iteration of a loop, and before a bulk instruction. At the entry of a
// function it also calls it if the calls left are below 0. In between, fuel may fall below 0 by at most the
// instructions of one body. The host's function adds fuel to the global, or panics, which ends the guest.
//
// The calls left bound recursion. The host sets them before it calls the guest. A function that calls others has one
// less than its caller; functions that call none do not count. The guest does not restore the calls left when a
// function returns, because each call sets them again. This includes calls of imported functions, so that the host can
// call the guest again from one. A trap leaves both globals as they are; the host must set them.
package metering

import (
	"fmt"

	"registrar/scripts/wasmbin"
)

// The interface between a rewritten module and the host, and limits.
const (
	// Reserved is the prefix of added names. Exports, and modules of imports, must not begin with it.
	Reserved = "registrar_metering"

	// EventModule and EventName are the module and name of the imported function of type (i32) -> (). The guest calls
	// it with a [Reason] when the fuel or the calls left are below 0. If it returns, the guest continues.
	EventModule = Reserved
	EventName   = "event"

	// FuelExport is the global with the fuel left in the slice, an i64. It is 0 at instantiation, and below 0 when the
	// slice is used up. The fuel used is what the host has added, minus this.
	FuelExport = Reserved + ".fuel"

	// CallsExport is the global with the number of further calls that may nest, an i64. It is DefaultCalls at
	// instantiation.
	CallsExport = Reserved + ".calls"

	// DefaultCalls bounds the nested calls within a call by the host, unless the host sets another number. It does not
	// count functions that call no others.
	DefaultCalls = 1_000

	// MaxGrowth and MaxOverhead bound the size of a rewritten module: MaxGrowth times the original size, plus
	// MaxOverhead bytes.
	MaxGrowth   = 12
	MaxOverhead = 512
)

// Reason is the i32 parameter with which a guest calls the event.
type Reason uint32

// The reasons.
const (
	Fuel  Reason = 0 // the fuel is below 0; the calls left may be too
	Calls Reason = 1 // too many calls nest; if the host returns, it allows them
)

// Rewrite returns the module with metering. It removes custom sections, because their function indices would be wrong.
// m must be the result of decoding wasm. The indices of defined functions increase by one.
//
// It fails if the module uses a name that begins with [Reserved], and like [wasmbin.Decode] if m does not match wasm.
// It does not check the types of values: a module that does not compile before does not compile after either.
func Rewrite(wasm []byte, m *wasmbin.Module) ([]byte, error) {
	if err := m.CheckReserved(Reserved); err != nil {
		return nil, err
	}
	r := newRewriter(wasm, m)
	if err := wasmbin.FunctionIndexes(wasm, r.note); err != nil {
		return nil, fmt.Errorf("finding function indices: %w", err)
	}
	if err := r.scan(); err != nil {
		return nil, err
	}
	return r.module()
}
