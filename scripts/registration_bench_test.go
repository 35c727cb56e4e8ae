package scripts_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/scripts"
)

// BenchmarkRegistration is a whole registration through the engine, all but HTTP and the database, with no script and with
// one of each language, and what has to be done for the script's instance before it serves another one. cpu-ns/op is what
// all threads together used, the pool's worker and the garbage collector as well; script-ns/op is how much of it is the
// script's: what none used is taken off.
func BenchmarkRegistration(b *testing.B) {
	for _, parallel := range []bool{false, true} {
		none := 0.0
		for _, name := range []string{"none", "prefix-id", "c-id-and-secret", "id-and-secret", "rust-prefix-id", "go-prefix-id", "go-policy"} {
			b.Run(fmt.Sprintf("parallel=%t/%s", parallel, name), func(b *testing.B) {
				bench := newBench(b, engine.Options{}, func(c *scripts.Config) { c.StepTimeout = time.Second })
				e, err := engine.New(engine.Config{Store: forgetful{}, Overrides: bench.host.Overrides})
				if err != nil {
					b.Fatal(err)
				}
				if name != "none" {
					script := bench.script(name)
					script.Config = jsontext.Value(`{"hosts":["app.example"]}`)
					bench.deploy(script)
				}
				caller := &engine.Caller{Auth: engine.AuthNone, Scopes: []string{"a", "b"}}
				register := func() {
					request, err := engine.ParseRequest([]byte(`{"redirect_uris":["https://app.example/cb"],"client_name":"A client","scope":"a b"}`))
					if err == nil {
						_, err = e.Register(b.Context(), request, caller)
					}
					if err != nil && !b.Failed() {
						b.Error(err)
					}
				}
				for range 100 { // instances are made, and find out what they write to
					register()
				}
				b.ReportAllocs()
				b.ResetTimer()
				before := processorTime(b)
				if parallel {
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							register()
						}
					})
				} else {
					for range b.N {
						register()
					}
				}
				used := float64(processorTime(b)-before) / float64(b.N)
				if name == "none" {
					none = used
				}
				b.ReportMetric(used, "cpu-ns/op")
				b.ReportMetric(used-none, "script-ns/op")
			})
		}
	}
}

// processorTime is what the process used so far, in nanoseconds.
func processorTime(b *testing.B) int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Skip("this system does not say")
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
