package sandbox

import (
	"errors"
	"strings"
	"testing"
	"time"

	"registrar/internal/wasmtest"
	"registrar/scripts"
)

// A module whose first instance fails is refused, at an upload and when it is loaded.
func TestModulesThatCannotBeInitialized(t *testing.T) {
	t.Parallel()
	s := newTestSandbox(t, 1)
	for name, want := range map[string]string{
		"fail-initialize":                "before there is a registration (fuel used: 104, limit: 100000000)",
		"fail-initialize-reason":         "the table of hosts is empty (fuel used: ",
		"hostile/initialize-endless":     "it ran out of fuel (fuel used: 10000000",
		"hostile/initialize-trap":        "unreachable",
		"hostile/initialize-entropy":     "only 4096 of 4096 are left",
		"hostile/initialize-exit-failed": "proc_exit(3)",
	} {
		t.Run(name, func(t *testing.T) {
			wasm := wasmtest.Wasm(t, name)
			verdict, err := s.Inspect(wasm)
			if err != nil {
				t.Fatal(err)
			}
			_, vetted := s.Vet(t.Context(), wasm)
			_, loaded := s.Load(t.Context(), "one", verdict, wasm)
			for where, err := range map[string]error{"Vet": vetted, "Load": loaded} {
				rejected, ok := errors.AsType[*scripts.RejectedError](err)
				if !ok || !strings.Contains(rejected.Error(), "the module's _initialize fails") ||
					!strings.Contains(rejected.Error(), want) {
					t.Errorf("%s: got %v, want a rejection with %q", where, err, want)
				}
			}
		})
	}
}

// A first instance that exceeds its wall clock says nothing about the module: the server may be overloaded.
func TestInitializationOverTime(t *testing.T) {
	t.Parallel()
	s := newTestSandbox(t, 1)
	s.config.StepTimeout = time.Nanosecond
	_, err := s.Vet(t.Context(), wasmtest.Wasm(t, "hostile/initialize-endless"))
	if !errors.Is(err, ErrUnavailable) || !strings.HasSuffix(err.Error(), "it ran longer than 1ns") {
		t.Errorf("got %v, want ErrUnavailable that ends with the limit", err)
	}
}
