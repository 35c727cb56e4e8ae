//go:build unix

package host_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/host"
)

// BenchmarkDeploy deploys a script again with another config.
func BenchmarkDeploy(b *testing.B) {
	for _, name := range []string{"prefix-id", "go-prefix-id", "go-policy"} {
		b.Run(name, func(b *testing.B) {
			on := newBench(b, engine.Options{})
			s := on.script(name)
			on.deploy(s)
			before, n := processorTime(b), 0
			for b.Loop() {
				n++
				s.Config = jsontext.Value(fmt.Sprintf(`{"n":%d}`, n))
				on.deploy(s)
			}
			b.ReportMetric(float64(processorTime(b)-before)/float64(n), "cpu-ns/op")
		})
	}
}

// Deployments, canaries, dry runs and uploads that come and go share modules with registrations that are running, on
// the server that they are made on and on one that follows.
func TestModulesAreSharedUnderLoad(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.CanaryKey = fixedKey })
	replica, err := host.New(t.Context(), host.Config{Config: boxConfig(), Modules: b.store, Deployments: b.store,
		CanaryKey: fixedKey, RegistrationTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { replica.Follow(ctx, time.Millisecond) })
	end := func() { cancel(); wg.Wait() }
	t.Cleanup(func() { end(); replica.Close(context.Background()) })
	prefix, wrap, uploaded := b.script("prefix-id"), b.script("wrap-id"), wasmtest.Wasm(t, "wrap-id")
	canary := prefix
	canary.Canary, canary.Config = "50%", jsontext.Value(`{"n":2}`)
	lists := [][]scripts.Script{{prefix}, {wrap, prefix}, {canary}}
	b.deploy(lists[0]...)
	await(t, "the replica", func() bool { n, _ := replica.Current(); return n == 1 })

	follower, err := engine.New(engine.Config{Store: forgetful{}, Overrides: replica.Overrides})
	if err != nil {
		t.Fatal(err)
	}
	for n, e := range []*engine.Engine{b.engine, b.engine, follower} {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				r, err := e.Register(context.WithoutCancel(ctx), mustParse(), from(fmt.Sprintf("198.51.%d.%d", n, i%250)))
				if err != nil || !strings.Contains(r.Client.ID, "acme-") {
					t.Errorf("got %v, %v", r, err)
					return
				}
			}
		})
	}
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			run, err := b.host.DryRun(context.WithoutCancel(ctx), b.engine, mustParse(), from("198.51.100.1"), lists[i%2])
			if err != nil || run.Outcome != scripts.OutcomeRegistered {
				t.Errorf("dry run: got %+v, %v", run, err)
				return
			}
			if _, _, err := b.host.Upload(context.WithoutCancel(ctx), "wrap-id", uploaded, ""); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i := range 24 {
		b.deploy(lists[i%len(lists)]...)
	}
	await(t, "the replica", func() bool { n, _ := replica.Current(); return n == 25 })
	end()
}
