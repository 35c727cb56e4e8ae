//go:build unix

package host_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/scripts/host"
)

// BenchmarkRegistration is a whole registration through the engine, all but HTTP and the database, with no script and
// with one of each language, and what has to be done for the script's instance before it serves another one. cpu-ns/op
// is what all threads together used, the pool's worker and the garbage collector as well. Registrations without a
// script run in turn with those that have one, so that both meet the same machine: script-ns/op is how much more the
// latter took.
func BenchmarkRegistration(b *testing.B) {
	for _, at := range []int{1, 8} {
		for _, name := range []string{"none", "prefix-id", "c-id-and-secret", "id-and-secret", "rust-prefix-id", "go-prefix-id", "go-policy"} {
			b.Run(fmt.Sprintf("at=%d/%s", at, name), func(b *testing.B) {
				without, with := newRegistrations(b, ""), newRegistrations(b, name)
				with.run(100, at) // instances are made
				b.ReportAllocs()
				b.ResetTimer()
				var own, others time.Duration
				for left := b.N; left > 0; left -= turn {
					n := min(left, turn)
					own += with.run(n, at)
					b.StopTimer() // time and allocations are those of registrations with a script
					others += without.run(n, at)
					b.StartTimer()
				}
				b.ReportMetric(float64(own)/float64(b.N), "cpu-ns/op")
				b.ReportMetric(float64(own-others)/float64(b.N), "script-ns/op")
			})
		}
	}
}

// turn is how many registrations run with a script, then without.
const turn = 1000

type registrations struct {
	b      *testing.B
	engine *engine.Engine
}

// newRegistrations has registrations run through a fixture, or none.
func newRegistrations(b *testing.B, fixture string) registrations {
	bench := newBench(b, engine.Options{}, func(c *host.Config) { c.StepTimeout = time.Second })
	e, err := engine.New(engine.Config{Store: forgetful{}, Overrides: bench.host.Overrides})
	if err != nil {
		b.Fatal(err)
	}
	if fixture != "" && fixture != "none" {
		script := bench.script(fixture)
		script.Config = jsontext.Value(`{"hosts":["app.example"]}`)
		bench.deploy(script)
	}
	return registrations{b, e}
}

// run runs n registrations, so many at a time, and returns the CPU time that they took.
func (r registrations) run(n, at int) time.Duration {
	before := processorTime(r.b)
	var left atomic.Int64
	left.Store(int64(n))
	var all sync.WaitGroup
	for range at {
		all.Go(func() {
			for left.Add(-1) >= 0 && !r.b.Failed() {
				r.register()
			}
		})
	}
	all.Wait()
	return processorTime(r.b) - before
}

func (r registrations) register() {
	request, err := engine.ParseRequest([]byte(`{"redirect_uris":["https://app.example/cb"],"client_name":"A client","scope":"a b"}`))
	if err == nil {
		_, err = r.engine.Register(r.b.Context(), request, &engine.Caller{Auth: engine.AuthNone, Scopes: []string{"a", "b"}})
	}
	if err != nil {
		r.b.Error(err)
	}
}

// processorTime is what the process used so far.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Skip("this system does not say")
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
