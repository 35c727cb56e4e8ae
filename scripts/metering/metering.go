// Package metering rewrites WebAssembly modules so that they count what they do and stop when told to, on a runtime that
// knows nothing of it. An uploaded module is decoded by wasmbin, rewritten here, and then compiled. See [Rewrite].
//
// # Fuel
//
// Fuel is the number of instructions that were executed, the same on every machine:
//
//   - Each instruction counts 1; block, loop, else and end, which only say where others lead, count 0.
//   - A call counts 1 more for each 16 parameters and results of the function; a branch or return for each 16 values
//     that it takes along, for br_table on the label that takes most; block, loop and if for each 16 parameters of the
//     block; its end, and that of the function, for each 16 results.
//   - Entering a function, each turn of a loop, the end of an if, the end of a block that a branch leads to, and each call
//     count 1 more for each 8 variables beyond 64: parameters, locals and the module's mutable globals. There a runtime may
//     have to move them all, at 1 to 2 ns each.
//   - memory.fill, memory.copy and memory.init count 1 more for each 64 bytes, a cache line, and table.fill, table.copy and
//     table.init for each 8 elements, which take as much memory. That is about how much memory moves in the time of a few
//     instructions.
//   - memory.grow counts 1,024 more for each page that it adds, which is a page in lines of 64 bytes; nothing where it
//     adds none.
//
// Each quotient is rounded down, so that compiled code mostly pays for instructions alone.
//
// Instructions are paid for ahead, where control enters a run of them: at the entry of a function, at the header of a
// loop, after a branch that was not taken, where branches arrive. A run goes on across calls. So where an instruction
// traps, what stands after it in its run is paid for too.
//
// # Slices and depth
//
// The rewritten module has two more globals, mutable, exported as [FuelExport] and [CallsExport], and imports one more
// function, [EventModule] [EventName], of type (i32) -> (), its parameter a [Reason]. It calls that where a function is
// entered, at each turn of a loop, and before a bulk instruction, if the fuel is below 0, and where a function is entered
// also if the calls left are below 0. In between, fuel may fall below 0 without notice, by at most the instructions of one
// body. The host's function hands out more fuel by adding to the global, or panics, which ends the guest.
//
// The calls left are what bounds recursion. The host sets them before it calls the guest; each function that calls others
// has one less than its caller. Functions that call none do not count. They need not be restored by the guest when a
// function returns: each call sets them anew, also one to an imported function, which may therefore enter the guest again
// and find them right. A trap leaves both globals as they were, for the host to set.
package metering

import (
	"fmt"

	"registrar/scripts/wasmbin"
)

// Names and numbers that the host has to know.
const (
	// Reserved begins the names that a module may neither import a module by nor export.
	Reserved = "registrar_metering"

	// EventModule and EventName are the function that a rewritten module imports, of type (i32) -> (). It is called when the
	// fuel or the calls left are below 0, with a [Reason], and returns to go on.
	EventModule = Reserved
	EventName   = "event"

	// FuelExport is the fuel left in the slice, an i64: 0 at instantiation, below 0 when spent. What was spent is what was
	// handed out, less this.
	FuelExport = Reserved + ".fuel"

	// CallsExport is how many calls may yet nest in each other, an i64: DefaultCalls at instantiation.
	CallsExport = Reserved + ".calls"

	// DefaultCalls is how many calls of functions that call others may nest in the one that the host makes, unless the host
	// sets another number.
	DefaultCalls = 1_000

	// MaxGrowth and MaxOverhead bound what [Rewrite] returns: MaxGrowth times what it was given, and MaxOverhead bytes.
	MaxGrowth   = 12
	MaxOverhead = 512
)

// Reason is why a guest calls the event, as its i32 parameter.
type Reason uint32

// The reasons.
const (
	Fuel  Reason = 0 // it is below 0; the calls left may be so too, which means nothing here
	Calls Reason = 1 // too many nest; to return would be to allow it
)

// Rewrite returns the module with metering, and without custom sections, whose function indices would be wrong. m is what
// wasmbin decoded from wasm. A function's index grows by one, unless it is imported.
//
// It fails if the module uses a reserved name, and as [wasmbin.Decode] does if m is not of wasm. That the types of values
// are right it does not check: a module that a runtime would not have compiled still does not compile.
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
