package host_test

import (
	"strings"
	"testing"

	"registrar/engine"
	"registrar/internal/alloctest"
	"registrar/scripts/host"
)

// The Makefile runs this test without the race detector, which allocates itself. The bounds were measured, and may be
// lowered, but not raised.
func TestAllocationsOfScript(t *testing.T) {
	for _, tt := range []struct {
		scripts string  // names, the outermost first
		most    float64 // objects; 25 are for parsing the request and for the engine's own steps
	}{
		{"prefix-id", 32},
		{"wrap-id prefix-id", 38},         // one calls its base, which is a script
		{"patch-metadata accept-all", 81}, // one patches, one calls its base
		{"items-write accept-all wrap-id c-id-and-secret", 95},
	} {
		b := newBench(t, engine.Options{}, func(c *host.Config) { c.Pool = 1 })
		e, err := engine.New(engine.Config{Store: forgetful{}, Overrides: b.host.Overrides})
		if err != nil {
			t.Fatal(err)
		}
		b.deployFixtures(strings.Fields(tt.scripts)...)
		const body = `{"redirect_uris":["https://app.example/cb"],"client_name":"A client","scope":"a b"}`
		register := func() {
			request, err := engine.ParseRequest([]byte(body))
			if err == nil {
				caller := &engine.Caller{Auth: engine.AuthNone, Scopes: []string{"a", "b"}}
				_, err = e.Register(t.Context(), request, caller)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 100 { // lets the pool make its instance, and the instance keep its function
			register()
		}
		t.Run(tt.scripts, func(t *testing.T) { alloctest.AtMost(t, tt.most, 500, register) })
	}
}
