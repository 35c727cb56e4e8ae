package metering_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"registrar/internal/wasmtest"
	"registrar/scripts/metering"
	"registrar/scripts/wasmbin"
)

// A workload is a function of a guest that a benchmark calls repeatedly.
type workload struct {
	name     string
	wasm     func(testing.TB) []byte
	function string
	args     []uint64
}

func workloads() []workload {
	kernels := func(t testing.TB) []byte { return readFile(t, "testdata", "kernels.wasm") }
	policy := func(t testing.TB) []byte { return wasmtest.Wasm(t, "go-policy") }
	prefix := func(t testing.TB) []byte { return wasmtest.Wasm(t, "rust-prefix-id") }
	return []workload{
		{"C json", kernels, "json", []uint64{10}},
		{"C fib", kernels, "fib", []uint64{25}},
		{"C hash", kernels, "hash", []uint64{10}},
		{"C sort", kernels, "sort", []uint64{3}},
		{"C sha256", kernels, "sha256", []uint64{300}},
		{"Go set_redirect_uris", policy, "set_redirect_uris", nil},
		{"Go set_scopes", policy, "set_scopes", nil},
		{"Rust add_client_id", prefix, "add_client_id", nil},
	}
}

// BenchmarkOverhead runs, in turns, a guest without metering, with metering, and with WithCloseOnContextDone, wazero's
// way to stop guests. It reports the time of the latter two as multiples of the first.
func BenchmarkOverhead(b *testing.B) {
	for _, w := range workloads() {
		b.Run(w.name, func(b *testing.B) {
			wasm := w.wasm(b)
			config := wazero.NewRuntimeConfig()
			plain := start(b, config, wasm, wasm)
			metered := start(b, config, wasm, rewrite(b, wasm))
			closing := start(b, config.WithCloseOnContextDone(true), wasm, wasm)
			var base, withFuel, withContext time.Duration
			for b.Loop() {
				base += plain(b, w)
				withFuel += metered(b, w)
				withContext += closing(b, w)
			}
			b.ReportMetric(float64(base.Nanoseconds())/float64(b.N), "plain-ns")
			b.ReportMetric(float64(withFuel)/float64(base), "x-metered")
			b.ReportMetric(float64(withContext)/float64(base), "x-close-on-done")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// start instantiates a guest and returns a function that calls a workload and returns its duration.
func start(t testing.TB, config wazero.RuntimeConfig, original, wasm []byte) func(testing.TB, workload) time.Duration {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	m := &meter{slice: 1_000_000, budget: math.MaxInt64}
	r := newRuntime(t, config, m)
	stub(t, r, original)
	guest, err := r.InstantiateWithConfig(ctx, wasm,
		wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		t.Fatal(err)
	}
	calls, metered := guest.ExportedGlobal(metering.CallsExport).(api.MutableGlobal)
	return func(t testing.TB, w workload) time.Duration {
		f := guest.ExportedFunction(w.function)
		begin := time.Now()
		if metered {
			calls.Set(metering.DefaultCalls)
		}
		if _, err := f.Call(ctx, w.args...); err != nil {
			t.Fatal(err)
		}
		return time.Since(begin)
	}
}

// stub provides a guest with host functions that return fixed documents.
func stub(t testing.TB, r wazero.Runtime, wasm []byte) {
	t.Helper()
	m, err := wasmbin.Decode(wasm)
	if err != nil {
		t.Fatal(err)
	}
	const uri = `"https://app.example/callback"`
	documents := map[string]string{
		"read_config": `{"hosts":["app.example","b.example"]}`,
		"read_request": `{"redirect_uris":[` + uri + `,` + uri + `,` + uri +
			`],"client_name":"An app","grant_types":["authorization_code"]}`,
		"read_client": `{"redirect_uris":[` + uri + `],"scope":"openid profile email offline_access"}`,
		"read_caller": `{"auth":"jwt","scopes":["openid","profile","email","offline_access"]}`,
	}
	builders := map[string]wazero.HostModuleBuilder{}
	for _, i := range m.Imports {
		if builders[i.Module] == nil {
			builders[i.Module] = r.NewHostModuleBuilder(i.Module)
		}
		document := documents[i.Name]
		function := api.GoModuleFunc(func(_ context.Context, guest api.Module, stack []uint64) {
			if i.Name == "clock_time_get" { // Go does not start at time 0
				guest.Memory().WriteUint64Le(api.DecodeU32(stack[2]), 1e18)
			}
			if document == "" {
				clear(stack)
				if i.Name == "fd_prestat_get" { // there are no preopened folders
					stack[0] = 8 // EBADF
				}
				return
			}
			if len(document) <= int(api.DecodeU32(stack[1])) {
				guest.Memory().WriteString(api.DecodeU32(stack[0]), document)
			}
			stack[0] = uint64(len(document))
		})
		f := m.Types[i.Type]
		builders[i.Module].NewFunctionBuilder().WithGoModuleFunction(function, values(f.Params),
			values(f.Results)).Export(i.Name)
	}
	for _, b := range builders {
		if _, err := b.Instantiate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func values(types []wasmbin.ValueType) []api.ValueType {
	var out []api.ValueType
	for _, t := range types {
		out = append(out, api.ValueType(t))
	}
	return out
}
