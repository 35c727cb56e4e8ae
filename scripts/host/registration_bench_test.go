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

// BenchmarkRegistration measures registrations through the engine, without HTTP and a database: with no script, and
// with one in each language. It includes renewing the script's instance. cpu-ns/op is the processor time of all
// threads, including the pool's worker and the garbage collector. script-ns/op is the processor time that the script
// adds. Registrations with and without a script take turns, so that both run under the same conditions.
func BenchmarkRegistration(b *testing.B) {
	for _, at := range []int{1, 8} {
		for _, name := range []string{
			"none", "prefix-id", "c-id-and-secret", "id-and-secret", "rust-prefix-id", "go-prefix-id", "go-policy",
			"javascript-empty", "javascript-id", "javascript-allowlist",
		} {
			b.Run(fmt.Sprintf("at=%d/%s", at, name), func(b *testing.B) {
				without, with := newRegistrations(b, ""), newRegistrations(b, name)
				with.run(100, at) // makes the instances
				b.ReportAllocs()
				b.ResetTimer()
				var own, others time.Duration
				for left := b.N; left > 0; left -= turn {
					n := min(left, turn)
					own += with.run(n, at)
					b.StopTimer() // time and allocations count only for registrations with a script
					others += without.run(n, at)
					b.StartTimer()
				}
				b.ReportMetric(float64(own)/float64(b.N), "cpu-ns/op")
				b.ReportMetric(float64(own-others)/float64(b.N), "script-ns/op")
			})
		}
	}
}

// javascript are scripts that are packed for the benchmark, by name.
var javascript = map[string]string{
	"javascript-empty": "export function set_max_age() {}",
	"javascript-id": `export function add_client_id({ setClientId, randomHex }) {
  setClientId("acme-" + randomHex(16));
}`,
	"javascript-allowlist": `export function set_redirect_uris({ request, config, refuse, base, parseURI }) {
  for (const text of request.redirect_uris ?? []) {
    const uri = parseURI(text);
    if (uri?.scheme !== "https" || !config.hosts.includes(uri.host)) refuse("invalid_redirect_uri", text);
  }
  base();
}`,
}

// turn is the number of registrations in a turn.
const turn = 1000

type registrations struct {
	b      *testing.B
	engine *engine.Engine
}

// newRegistrations returns registrations through a fixture; "" and "none" mean none.
func newRegistrations(b *testing.B, fixture string) registrations {
	bench := newBench(b, engine.Options{}, func(c *host.Config) { c.StepTimeout = time.Second })
	e, err := engine.New(engine.Config{Store: forgetful{}, Overrides: bench.host.Overrides})
	if err != nil {
		b.Fatal(err)
	}
	if fixture != "" && fixture != "none" {
		script := bench.packed(fixture, javascript[fixture])
		script.Config = jsontext.Value(`{"hosts":["app.example"]}`)
		bench.deploy(script)
	}
	return registrations{b, e}
}

// run runs n registrations, at of them concurrently, and returns the processor time that they took.
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
	const body = `{"redirect_uris":["https://app.example/cb"],"client_name":"A client","scope":"a b"}`
	request, err := engine.ParseRequest([]byte(body))
	if err == nil {
		_, err = r.engine.Register(r.b.Context(), request,
			&engine.Caller{Auth: engine.AuthNone, Scopes: []string{"a", "b"}})
	}
	if err != nil {
		r.b.Error(err)
	}
}

// processorTime returns the processor time that the process has used.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Skip("getrusage: ", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
