// Package hostfuncs implements the functions that scripts may import: registrar_v1, the contract between the server and
// its scripts (docs/abi.md), and as much of WASI preview 1 as toolchains need. A function finds its [Call], and with it
// the registration, in its context. call_base runs Call.Base, so that this package does not depend on deployments.
package hostfuncs

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// The modules from which scripts may import.
const (
	ModuleName     = "registrar_v1"
	WASIModuleName = "wasi_snapshot_preview1"
)

// A Function is a function that scripts may import.
type Function struct {
	Module  string
	Name    string
	Params  []api.ValueType
	Results []api.ValueType
	Stub    bool  // returns ENOSYS; toolchains import such functions without calling them
	Fuel    int64 // cost of a call, about its time in nanoseconds; copied data costs 1 more for each 16 bytes

	call func(ctx context.Context, m memory, stack []uint64)
}

// Functions returns all functions that scripts may import.
func Functions() []Function {
	functions := append(registrarFunctions(), wasiFunctions()...)
	for i := range functions {
		if functions[i].Fuel == 0 {
			functions[i].Fuel = defaultFuel
		}
	}
	return functions
}

// defaultFuel is the cost of a function that does little.
const defaultFuel = 100

// Instantiate instantiates the host modules in a runtime, which closes them. Functions called with a context without a
// [Call] trap.
func Instantiate(ctx context.Context, rt wazero.Runtime) error {
	builders := map[string]wazero.HostModuleBuilder{}
	for _, f := range Functions() {
		b := builders[f.Module]
		if b == nil {
			b = rt.NewHostModuleBuilder(f.Module)
			builders[f.Module] = b
		}
		host := func(ctx context.Context, m api.Module, stack []uint64) {
			call, ok := ctx.Value(callKey{}).(*Call)
			guest := memory{m.Memory(), f.Name, call}
			if !ok {
				guest.trap("it was called outside a step")
			}
			call.charge(f.Fuel)
			f.call(ctx, guest, stack)
		}
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(host), f.Params, f.Results).Export(f.Name)
	}
	for name, b := range builders {
		if _, err := b.Instantiate(ctx); err != nil {
			return fmt.Errorf("instantiating the host module %s: %w", name, err)
		}
	}
	return nil
}

// A TrapError stops a script that violated the contract.
type TrapError struct {
	Function string
	Reason   string // holds no secret
}

// Error names the function and the reason.
func (e *TrapError) Error() string { return e.Function + ": " + e.Reason }

// A FailError stops a script that called fail.
type FailError struct {
	Text string // as the script wrote it; it may hold secrets: see [Log.Reason]
}

// Error does not quote the text.
func (e *FailError) Error() string { return "fail: the script gave a reason" }

// An ExitError stops a script that called proc_exit.
type ExitError struct{ Code uint32 }

// Error names the exit code.
func (e *ExitError) Error() string { return fmt.Sprintf("proc_exit(%d)", e.Code) }

// A BaseError stops a script if its base or the host failed. It is not the script's fault.
type BaseError struct{ Err error }

// Error names the cause.
func (e *BaseError) Error() string { return "call_base: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *BaseError) Unwrap() error { return e.Err }

// memory is the guest's memory in a call of a function. Its methods trap if a range is outside the memory.
type memory struct {
	api.Memory
	function string
	call     *Call
}

func (m memory) trap(format string, args ...any) {
	panic(&TrapError{Function: m.function, Reason: fmt.Sprintf(format, args...)})
}

// view returns a range of the memory without copying it. The slice is valid until the function returns or runs the
// base.
func (m memory) view(ptr, length uint32) []byte {
	b, ok := m.Read(ptr, length)
	m.call.charge(int64(len(b) / 16))
	if !ok {
		m.trap("the range of %d bytes at %d lies outside the memory of %d bytes", length, ptr, m.Size())
	}
	return b
}

// text returns a copy of a range. It traps if the range has more than limit bytes.
func (m memory) text(what string, ptr, length uint32, limit int) string {
	if int64(length) > int64(limit) {
		m.trap("the %s has %d bytes: at most %d are allowed", what, length, limit)
	}
	return string(m.view(ptr, length))
}

// put writes value into a buffer of the guest if it fits, and returns its length in any case.
func (m memory) put(value []byte, buf, capacity uint32) uint64 {
	b := m.view(buf, capacity)
	if len(value) <= len(b) {
		copy(b, value)
	}
	return api.EncodeU32(uint32(len(value)))
}
