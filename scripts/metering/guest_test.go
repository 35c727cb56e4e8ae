package metering_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"registrar/scripts/metering"
	"registrar/scripts/wasmbin"
)

var (
	errFuel  = errors.New("out of fuel")
	errDepth = errors.New("call depth exceeded")
)

// A meter is a minimal host for metered guests.
type meter struct {
	slice  int64 // fuel handed out at a time
	budget int64 // fuel left to hand out
	given  int64 // fuel handed out
	events int
}

// newRuntime returns a runtime whose guests call m.
func newRuntime(t testing.TB, config wazero.RuntimeConfig, m *meter) wazero.Runtime {
	t.Helper()
	ctx := t.Context()
	r := wazero.NewRuntimeWithConfig(ctx, config)
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Errorf("closing the runtime: %v", err)
		}
	})
	_, err := r.NewHostModuleBuilder(metering.EventModule).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(m.event), []api.ValueType{api.ValueTypeI32},
			nil).Export(metering.EventName).Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (m *meter) event(_ context.Context, guest api.Module, stack []uint64) {
	m.events++
	if metering.Reason(api.DecodeU32(stack[0])) == metering.Calls {
		panic(errDepth)
	}
	fuel := guest.ExportedGlobal(metering.FuelExport).(api.MutableGlobal)
	left := int64(fuel.Get())
	if left >= 0 {
		return
	}
	want := (-left + m.slice - 1) / m.slice // slices
	give := min(want, m.budget/m.slice) * m.slice
	m.budget -= give
	m.given += give
	fuel.Set(uint64(left + give))
	if left+give < 0 {
		panic(errFuel)
	}
}

// spent returns the fuel that a guest has used.
func (m *meter) spent(guest api.Module) int64 {
	return m.given - int64(guest.ExportedGlobal(metering.FuelExport).Get())
}

// rewrite returns a valid module with metering.
func rewrite(t testing.TB, wasm []byte) []byte {
	t.Helper()
	m, err := wasmbin.Decode(wasm)
	if err != nil {
		t.Fatal(err)
	}
	metered, err := metering.Rewrite(wasm, m)
	if err != nil {
		t.Fatal(err)
	}
	return metered
}

// wazeroFolder returns wazero's folder in the module cache. Its tests contain the specification's suites.
func wazeroFolder(t testing.TB) string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero")
	out, err := list.Output()
	folder := strings.TrimSpace(string(out))
	if err != nil || folder == "" {
		t.Fatalf("finding wazero's folder: got %q, %v", folder, err)
	}
	return folder
}

func readFile(t testing.TB, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
