package scripts_test

import (
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"registrar/engine"
)

// TestNothingLeaks registers many clients through scripts of several languages; REGISTRAR_TEST_SOAK says how many, in
// place of a few. Goroutines and the heap end up where they were.
func TestNothingLeaks(t *testing.T) {
	registrations := 300
	if s := os.Getenv("REGISTRAR_TEST_SOAK"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		registrations = n
	}
	b := newBench(t, engine.Options{})
	e, err := engine.New(engine.Config{Store: forgetful{}, Overrides: b.host.Overrides})
	if err != nil {
		t.Fatal(err)
	}
	b.engine = e
	b.deployFixtures("wrap-id", "c-id-and-secret", "nested", "go-prefix-id")
	measure := func() (goroutines int, heap uint64) {
		var m runtime.MemStats
		for range 3 {
			runtime.GC()
			time.Sleep(10 * time.Millisecond)
		}
		runtime.ReadMemStats(&m)
		return runtime.NumGoroutine(), m.HeapInuse
	}
	run := func(n int) {
		for range n {
			if _, err := b.register(minimal); err != nil {
				t.Fatal(err)
			}
		}
	}
	run(100)
	goroutines, heap := measure()
	run(registrations)
	after, heapAfter := measure()
	t.Logf("%d registrations: %d goroutines, %d KiB of heap; before %d and %d", registrations, after, heapAfter>>10, goroutines, heap>>10)
	if after > goroutines+5 {
		t.Errorf("%d goroutines, before %d", after, goroutines)
	}
	// The pool may hold a few instances more than it did: Go's have 2.4 MiB each.
	if heapAfter > heap+128<<20 {
		t.Errorf("%d MiB of heap, before %d", heapAfter>>20, heap>>20)
	}
}
