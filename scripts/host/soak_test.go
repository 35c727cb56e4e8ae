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

// TestNothingLeaks registers clients through scripts in several languages, and compares goroutines, heap and resident
// memory before and after. REGISTRAR_TEST_SOAK sets the number of registrations.
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
	run := func(n int) {
		for range n {
			if _, err := b.register(minimal); err != nil {
				t.Fatal(err)
			}
		}
	}
	run(100)
	before := measureUsage()
	run(registrations)
	// The shelves may hold more instances than before, and up to 32 MiB of buffers are kept.
	most := usage{before.goroutines + 5, before.heap + 64, before.resident + 96}
	after := measureUsage()
	for deadline := time.Now().Add(10 * time.Second); after.exceeds(most) && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond) // goroutines may be about to end
		after = measureUsage()
	}
	t.Logf("%d registrations: %+v; before: %+v", registrations, after, before)
	if after.exceeds(most) {
		t.Errorf("got %+v, want at most %+v", after, most)
	}
}

// A usage is what the process uses. Memory is in MiB.
type usage struct{ goroutines, heap, resident int }

func (u usage) exceeds(most usage) bool {
	return u.goroutines > most.goroutines || u.heap > most.heap || u.resident > most.resident
}

func measureUsage() usage {
	for range 3 { // finalizers and pools take more than one collection
		debug.FreeOSMemory()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{runtime.NumGoroutine(), int(m.HeapInuse) >> 20, residentMiB()}
}

// residentMiB returns the resident memory of the process, or 0 if the system does not report it.
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
