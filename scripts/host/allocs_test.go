package host_test

import (
	"testing"

	"registrar/engine"
	"registrar/internal/alloctest"
	"registrar/scripts/host"
)

// maxAllocs bounds the allocations of one registration through prefix-id, in objects: 28 for parsing the request and
// the engine's own steps, 12 for the script. It was measured, and may be lowered, but not raised.
const maxAllocs = 40

// The Makefile runs this test without the race detector, which allocates itself.
func TestAllocationsOfScript(t *testing.T) {
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.Pool = 1 })
	e, err := engine.New(engine.Config{Store: forgetful{}, Overrides: b.host.Overrides})
	if err != nil {
		t.Fatal(err)
	}
	b.deployFixtures("prefix-id")
	const body = `{"redirect_uris":["https://app.example/cb"],"client_name":"A client","scope":"a b"}`
	register := func() {
		request, err := engine.ParseRequest([]byte(body))
		if err == nil {
			_, err = e.Register(t.Context(), request, &engine.Caller{Auth: engine.AuthNone, Scopes: []string{"a", "b"}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 100 { // lets the pool make its instance, and the instance keep its function
		register()
	}
	alloctest.AtMost(t, maxAllocs, 500, register)
}
