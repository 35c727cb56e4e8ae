package host_test

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"registrar/engine"
)

// TestNothingLeaks registers many clients through scripts of several languages; REGISTRAR_TEST_SOAK says how many, in
// place of a few. Goroutines, the heap and the resident memory end up where they were.
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
	b.deployFixtures("mcp-policy", "wrap-id", "go-prefix-id", "nested", "counter-table")
	measure := func() (goroutines, heap, resident int) {
		var m runtime.MemStats
		for range 3 {
			debug.FreeOSMemory()
			time.Sleep(10 * time.Millisecond)
		}
		runtime.ReadMemStats(&m)
		return runtime.NumGoroutine(), int(m.HeapInuse) >> 20, residentMiB()
	}
	run := func(n int) {
		for range n {
			if _, err := b.register(minimal); err != nil {
				t.Fatal(err)
			}
		}
	}
	run(100)
	goroutines, heap, resident := measure()
	run(registrations)
	goroutinesAfter, heapAfter, residentAfter := measure()
	t.Logf("%d registrations: %d goroutines, %d MiB of heap, %d MiB resident; before: %d, %d, %d",
		registrations, goroutinesAfter, heapAfter, residentAfter, goroutines, heap, resident)
	if goroutinesAfter > goroutines+5 {
		t.Errorf("%d goroutines, before %d", goroutinesAfter, goroutines)
	}
	// The shelves may hold more instances than they did, and 32 MiB of buffers are kept.
	if heapAfter > heap+64 {
		t.Errorf("%d MiB of heap, before %d", heapAfter, heap)
	}
	if residentAfter > resident+96 {
		t.Errorf("%d MiB resident, before %d", residentAfter, resident)
	}
}

// residentMiB is 0 where the system does not say.
func residentMiB() int {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident int
	if _, err := fmt.Sscan(string(statm), &size, &resident); err != nil {
		return 0
	}
	return resident * os.Getpagesize() >> 20
}
