package sandbox

import (
	"bytes"
	"context"
	"os"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"registrar/engine"
	"registrar/hostfuncs"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/metering"
	"registrar/scripts/wasmbin"
)

// guests are fixtures in each language, and a larger one in Go.
var guests = []struct{ language, fixture, step string }{
	{"WAT", "prefix-id", engine.StepAddClientID},
	{"C", "c-id-and-secret", engine.StepAddClientID},
	{"AssemblyScript", "id-and-secret", engine.StepAddClientID},
	{"Rust", "rust-prefix-id", engine.StepAddClientID},
	{"Go", "go-prefix-id", engine.StepAddClientID},
	{"GoWithJSON", "go-policy", "set_scopes"},
}

// BenchmarkInstance measures providing an instance for a registration. BenchmarkFirstStep adds the first step, or
// measures only the step if the instance is ready.
//
//   - cold: instantiate the module, copy its data, run _initialize, and close the instance
//   - saved: instantiate the module with a saved state, and close the instance
//   - renewed: restore a used instance, which the pool's worker does in the background
//   - ready: the pool has an instance, so only the step remains
func BenchmarkInstance(b *testing.B) { benchmarkInstances(b, false) }

// BenchmarkFirstStep is described at [BenchmarkInstance].
func BenchmarkFirstStep(b *testing.B) { benchmarkInstances(b, true) }

func benchmarkInstances(b *testing.B, first bool) {
	for _, g := range guests {
		b.Run(g.language, func(b *testing.B) {
			m, _ := newTestModule(b, g.fixture, 1)
			if m.state == nil {
				b.Fatal("its instances are not saved")
			}
			making := func(m *Module) func(*testing.B) {
				return func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						i, err := m.instantiate(b.Context())
						if err != nil {
							b.Fatal(err)
						}
						if first {
							step(b, i, g.step)
						}
						i.Close()
					}
				}
			}
			b.Run("cold", making(asIs(b, m)))
			b.Run("saved", making(m))
			if first {
				b.Run("ready", func(b *testing.B) { b.ReportMetric(alternate(b, m, g.step, true), "ns/op") })
			} else {
				b.Run("renewed", func(b *testing.B) { b.ReportMetric(alternate(b, m, g.step, false), "ns/op") })
			}
		})
	}
}

// alternate uses and renews an instance in turn. It returns the time of a use if using is set, else that of a renewal,
// in nanoseconds.
func alternate(b *testing.B, m *Module, name string, using bool) float64 {
	i, err := m.instantiate(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer i.Close()
	var stepped, renewed time.Duration
	for b.Loop() {
		start := time.Now()
		step(b, i, name)
		end := time.Now()
		if err := i.renew(); err != nil {
			b.Fatal(err)
		}
		stepped += end.Sub(start)
		renewed += time.Since(end)
	}
	if using {
		return float64(stepped.Nanoseconds()) / float64(b.N)
	}
	return float64(renewed.Nanoseconds()) / float64(b.N)
}

// step runs a step outside of any deployment.
func step(b testing.TB, i *Instance, name string) {
	request, err := engine.ParseRequest([]byte(`{"redirect_uris":["https://app.example/cb"],"scope":"a b"}`))
	if err != nil {
		b.Fatal(err)
	}
	sandbox := i.module.sandbox
	r := &engine.Registration{Operation: engine.OperationRegister, Mode: engine.ModeEnforce, Now: sandbox.now(),
		Client: &engine.Client{}, Request: request,
		Caller: &engine.Caller{Auth: engine.AuthNone, Scopes: []string{"a", "b"}}}
	fuel := 5 * sandbox.config.StepFuel
	m := NewMeter(&fuel, 0)
	call := &hostfuncs.Call{Registration: r, Step: name, Script: i.module.name, Mode: hostfuncs.ModeEnforce, Now: r.Now,
		Base:         func() error { return nil },
		ClientExists: func(context.Context, string) (bool, error) { return false, nil },
		Entropy:      hostfuncs.NewEntropy(sandbox.config.Random), Log: &hostfuncs.Log{}}
	if result, err := i.Run(b.Context(), &m, call); err != nil || result != Done {
		b.Fatal(result, err, call.Refusal())
	}
}

// asIs returns the module with metering, but with its data and without a saved state.
func asIs(b *testing.B, m *Module) *Module {
	b.Helper()
	wasm := wasmtest.Wasm(b, m.name)
	decoded, err := wasmbin.Decode(wasm)
	if err != nil {
		b.Fatal(err)
	}
	metered, err := metering.Rewrite(wasm, decoded)
	if err != nil {
		b.Fatal(err)
	}
	as := source{digest: scripts.Digest(metered), size: len(metered), module: metered}
	compiled, err := m.sandbox.compiler.load(b.Context(), m.sandbox.runtime, as)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { compiled.Close(context.Background()) })
	return &Module{sandbox: m.sandbox, name: m.name, loaded: &loaded{verdict: m.verdict, compiled: compiled}}
}

// BenchmarkPooledMemory measures the resident memory of one of 64 instances: before use, after use, and after it was
// renewed. Pages of an image that several instances read count for each.
func BenchmarkPooledMemory(b *testing.B) {
	for _, g := range guests {
		b.Run(g.language, func(b *testing.B) {
			m, _ := newTestModule(b, g.fixture, 1)
			const n = 64
			for b.Loop() {
				before := resident(b)
				instances := make([]*Instance, n)
				for j := range instances {
					var err error
					if instances[j], err = m.instantiate(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				waiting := resident(b)
				for _, i := range instances {
					step(b, i, g.step)
				}
				used := resident(b)
				for _, i := range instances {
					if err := i.renew(); err != nil {
						b.Fatal(err)
					}
				}
				renewed := resident(b)
				for _, i := range instances {
					i.Close()
				}
				b.ReportMetric(float64(waiting-before)/n/1024, "KiB/waiting")
				b.ReportMetric(float64(used-before)/n/1024, "KiB/used")
				b.ReportMetric(float64(renewed-before)/n/1024, "KiB/renewed")
			}
		})
	}
}

// resident returns the resident memory of the process after a garbage collection, in bytes.
func resident(b *testing.B) int {
	debug.FreeOSMemory()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skip("reading the resident memory: ", err)
	}
	pages, err := strconv.Atoi(string(bytes.Fields(statm)[1]))
	if err != nil {
		b.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// BenchmarkUpload measures the upload of a Go module of 3.4 MB without storing it: decoding, rewriting, and compiling
// in a child process, without and with its code in the cache.
func BenchmarkUpload(b *testing.B) {
	wasm := wasmtest.Wasm(b, "go-policy")
	upload := func(b *testing.B, folder string) {
		config := Config{Steps: stepNames(), CacheFolder: folder, CompileCommand: wasmtest.Compiler.Command}
		s, err := New(b.Context(), config)
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close(context.Background())
		defer s.Stop()
		if _, err := s.Vet(b.Context(), wasm); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("compiled", func(b *testing.B) {
		for b.Loop() {
			upload(b, "") // a folder of its own
		}
	})
	b.Run("cached", func(b *testing.B) {
		for b.Loop() {
			upload(b, wasmtest.Compiler.Cache)
		}
	})
}
