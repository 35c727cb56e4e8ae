package metering_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"registrar/scripts/metering"
)

// counts instantiates testdata/counts.wat, metered.
func counts(t testing.TB, m *meter) api.Module {
	t.Helper()
	r := newRuntime(t, wazero.NewRuntimeConfig(), m)
	_, err := r.NewHostModuleBuilder("host").NewFunctionBuilder().WithGoModuleFunction(
		api.GoModuleFunc(enter), []api.ValueType{api.ValueTypeI32}, []api.ValueType{api.ValueTypeI32}).
		Export("enter").Instantiate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	guest, err := r.InstantiateWithConfig(t.Context(), rewrite(t, readFile(t, "testdata", "counts.wasm")),
		wazero.NewModuleConfig())
	if err != nil {
		t.Fatal(err)
	}
	return guest
}

// enter calls the guest again, like a host function that runs the base of a step. It gives the inner call other fuel,
// and then restores the fuel and calls of the outer one.
func enter(ctx context.Context, guest api.Module, stack []uint64) {
	fuel := guest.ExportedGlobal(metering.FuelExport).(api.MutableGlobal)
	calls := guest.ExportedGlobal(metering.CallsExport).(api.MutableGlobal)
	savedFuel, savedCalls := fuel.Get(), calls.Get()
	fuel.Set(100_000)
	results, err := guest.ExportedFunction("recurse").Call(ctx, stack[0])
	if err != nil {
		panic(err)
	}
	fuel.Set(savedFuel)
	calls.Set(savedCalls)
	stack[0] = results[0]
}

func TestFuel(t *testing.T) {
	t.Parallel()
	const none = math.MaxUint32 // no argument
	tests := []struct {
		function string
		argument uint32
		want     int64
		result   uint32
	}{
		{"empty", none, 0, 0},
		{"leaf", 41, 3, 42},
		{"caller", 40, 9, 42},
		{"structure", none, 1, 0},
		{"if", 1, 5, 1},
		{"if", 0, 3, 3},
		{"if_without_else", 1, 5, 0},
		{"if_without_else", 0, 3, 0},
		{"skip", 0, 5, 0},
		{"skip", 1, 3, 0},
		{"leave", 0, 5, 0},
		{"leave", 1, 4, 0},
		{"block_end", 0, 2, 0},
		{"loop", 1, 5, 0},
		{"loop", 1000, 5000, 0},
		{"switch", 0, 4, 1},
		{"switch", 1, 6, 2},
		{"switch", 2, 6, 4},
		{"switch", 9, 6, 4},
		{"return", 3, 2, 3},
		{"dead", none, 2, 5},
		{"trap", 1, 5, 0},
		{"indirect", 0, 6, 42},
		{"by_reference", none, 9, 0},
		{"recurse", 0, 3, 0},
		{"recurse", 100, 603, 0},
		{"enter", 5, 2, 0},
		{"fill", 63, 4, 0},
		{"fill", 64, 5, 0},
		{"fill", 65_536, 1028, 0},
		{"copy", 6400, 104, 0},
		{"init", 10, 4, 0},
		{"init", 1 << 31, 4 + 1<<25, 0}, // traps after the payment
		{"table_fill", 7, 4, 0},
		{"table_fill", 16, 6, 0},
		{"table_copy", 8, 5, 0},
		{"table_init", 2, 4, 0},
		{"table_init", 0xffff_fff0, 4 + 1<<29 - 2, 0},
		{"grow", 0, 2, 1},
		{"grow", 2, 2050, 1},
		{"grow", 3, 2, math.MaxUint32}, // beyond the maximum size, so no page is added
		{"grow", 1 << 31, 2, math.MaxUint32},
		{"last", 10, 57, 0},
		{"recurse_indirect", 100, 703, 0},
		{"recurse_in_loop", 100, 703, 0},
		{"block_values", none, 33, 0},
		{"many_locals_branch", 0, 5, 0},
		{"many_locals_branch", 1, 4, 0},
		{"many_locals_call", 1, 18, 3},
		{"many_values", none, 18 + 18, 0},
		{"many_locals", 10, 1 + 10*6 + 3, 0},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s %d", test.function, int32(test.argument)), func(t *testing.T) {
			m := &meter{slice: 100, budget: math.MaxInt64}
			guest := counts(t, m)
			var args []uint64
			if test.argument != none {
				args = append(args, uint64(test.argument))
			}
			results, err := guest.ExportedFunction(test.function).Call(t.Context(), args...)
			if got := m.spent(guest); got != test.want {
				t.Errorf("used %d, want %d", got, test.want)
			}
			t.Logf("%d fuel, %d events, error %v", m.spent(guest), m.events, err)
			if err == nil && len(results) == 1 && uint32(results[0]) != test.result {
				t.Errorf("got %d, want %d", uint32(results[0]), test.result)
			}
		})
	}
}

// A guest asks for fuel at the first check after the slice is used up.
func TestSlices(t *testing.T) {
	t.Parallel()
	m := &meter{slice: 1000, budget: 10_000}
	guest := counts(t, m)
	call := func(function string, args ...uint64) error {
		_, err := guest.ExportedFunction(function).Call(t.Context(), args...)
		return err
	}
	if err := call("loop", 200); err != nil || m.events != 1 || m.spent(guest) != 1000 {
		t.Errorf("a slice used to its end: %v, %d events, %d spent; want no error, 1 and 1000", err, m.events,
			m.spent(guest))
	}
	if err := call("loop", 1); err != nil || m.events != 2 {
		t.Errorf("one turn more: %v, %d events, want 2", err, m.events)
	}
	if err := call("fill", 65_536*3); err == nil || m.events != 3 || m.given != 5000 {
		t.Errorf("a long fill: %v, %d events, %d given; want a trap, 3 and 5000", err, m.events, m.given)
	}
	for _, function := range []string{"spin", "loop", "recurse"} {
		guest := counts(t, &meter{slice: 1000, budget: 2000})
		f := guest.ExportedFunction(function)
		_, err := f.Call(t.Context(), make([]uint64, len(f.Definition().ParamTypes()))...)
		if want := function != "recurse"; errors.Is(err, errFuel) != want {
			t.Errorf("%s: got %v, want it out of fuel: %t", function, err, want)
		}
	}
	// 2^40 calls of depth 40, without a loop.
	wide := counts(t, &meter{slice: 1000, budget: 1_000_000}).ExportedFunction("wide")
	if _, err := wide.Call(t.Context(), 40); !errors.Is(err, errFuel) {
		t.Errorf("a chain of calls: got %v, want it out of fuel", err)
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		function string
		calls    int64
		argument uint64
		fails    bool
	}{
		{"at the default limit", "recurse", metering.DefaultCalls, 1000, false},
		{"beyond the default limit", "recurse", metering.DefaultCalls, 1001, true},
		{"at a limit of the host", "recurse", 10, 10, false},
		{"beyond a limit of the host", "recurse", 10, 11, true},
		{"functions that call none do not count", "leaf", -1, 1, false},
		{"functions that call none do not count, and fuel runs out later", "last", 0, 1000, false},
		{"indirect calls at a limit", "recurse_indirect", 10, 10, false},
		{"indirect calls beyond a limit", "recurse_indirect", 10, 11, true},
		{"calls in a loop at a limit", "recurse_in_loop", 10, 10, false},
		{"calls in a loop beyond a limit", "recurse_in_loop", 10, 11, true},
		{"the last call", "caller", 0, 1, false},
		{"a host function calls the guest", "enter", 10, 9, false},
		{"a host function calls the guest, beyond a limit", "enter", 10, 10, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			guest := counts(t, &meter{slice: 1000, budget: 100_000})
			calls := guest.ExportedGlobal(metering.CallsExport).(api.MutableGlobal)
			if got := calls.Get(); got != metering.DefaultCalls {
				t.Errorf("calls left at instantiation: got %d, want %d", got, metering.DefaultCalls)
			}
			calls.Set(uint64(test.calls))
			_, err := guest.ExportedFunction(test.function).Call(t.Context(), test.argument)
			if errors.Is(err, errDepth) != test.fails || !test.fails && err != nil {
				t.Errorf("got %v, want the depth to be exceeded: %t", err, test.fails)
			}
		})
	}
}

// Exports, elements and references are the same functions after they were renumbered.
func TestIndices(t *testing.T) {
	t.Parallel()
	guest := counts(t, &meter{slice: 1000, budget: 100_000})
	var exported []string
	for name := range guest.ExportedFunctionDefinitions() {
		if len(name) >= len(metering.Reserved) && name[:len(metering.Reserved)] == metering.Reserved {
			exported = append(exported, name)
		}
	}
	if exported != nil {
		t.Errorf("exported functions: got %q, want none with the reserved prefix", exported)
	}
	call := func(function string, args ...uint64) uint32 {
		results, err := guest.ExportedFunction(function).Call(t.Context(), args...)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(results[0])
	}
	got := map[string]uint32{
		"element 0, a function": call("indirect", 0), "element 1, an imported one": call("indirect", 1),
		"element 2, a later one": call("indirect", 2), "a reference": call("by_reference"),
	}
	want := map[string]uint32{
		"element 0, a function": 42, "element 1, an imported one": 0, "element 2, a later one": 43, "a reference": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if got := guest.ExportedGlobal("global").Get(); got != 7 {
		t.Errorf("the module's own global: got %d, want 7", got)
	}
}
