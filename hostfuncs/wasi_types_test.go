package hostfuncs

import (
	"context"
	"fmt"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// wasiOfWazero returns the types of the functions in wazero's WASI module, by name.
func wasiOfWazero(t *testing.T) map[string]string {
	t.Helper()
	rt := wazero.NewRuntime(t.Context())
	t.Cleanup(func() { rt.Close(context.Background()) })
	compiled, err := wasi_snapshot_preview1.NewBuilder(rt).Compile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	for name, f := range compiled.ExportedFunctions() {
		types[name] = fmt.Sprint(f.ParamTypes(), f.ResultTypes())
	}
	return types
}
