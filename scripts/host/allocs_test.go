package host_test

import (
	"testing"

	"registrar/engine"
	"registrar/internal/alloctest"
	"registrar/scripts/host"
)

// maxAllocs bounds what one registration through prefix-id allocates, in objects: parsing the request and the engine's
// own steps 31, the script 12. It is what was measured, and may be lowered, not raised.
const maxAllocs = 43

// A registration that finds its instance in the pool allocates no more than it did. Makefile runs this test without the
// race detector.
func TestAllocationsOfScript(t *testing.T) {
	b := newBench(t, engine.Options{}, func(c *host.Config) { c.Pool = 1 })
	e, err := engine.New(engine.Config{Store: forgetful{}, Overrides: b.host.Overrides})
	if err != nil {
		t.Fatal(err)
	}
	b.deployFixtures("prefix-id")
	register := func() {
		request, err := engine.ParseRequest([]byte(`{"redirect_uris":["https://app.example/cb"],"client_name":"A client","scope":"a b"}`))
		if err == nil {
			_, err = e.Register(t.Context(), request, &engine.Caller{Auth: engine.AuthNone, Scopes: []string{"a", "b"}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 100 { // the pool makes its instance, which keeps its function
		register()
	}
	alloctest.AtMost(t, maxAllocs, 500, register)
}
