// Package alloctest measures allocations for tests that bound them. Such bounds do not depend on how fast a machine is.
package alloctest

import "testing"

// measurements is how often a function is measured. A garbage collection during a measurement empties pools, which then
// allocate; it never lowers the number.
const measurements = 5

// Calls returns how often [AtMost] calls a function at most.
func Calls(runs int) int { return measurements * (runs + 1) }

// AtMost fails the test if f allocates more than bound objects each time that it runs, on average over runs calls. It
// takes the least of several measurements and stops at the first within the bound. Under the race detector, which
// allocates itself, it skips the test.
func AtMost(t *testing.T, bound float64, runs int, f func()) {
	t.Helper()
	if RaceDetector {
		t.Skip("the race detector allocates")
	}
	least := testing.AllocsPerRun(runs, f)
	for range measurements - 1 {
		if least <= bound {
			return
		}
		least = min(least, testing.AllocsPerRun(runs, f))
	}
	if least > bound {
		t.Errorf("got %v allocations, want at most %v", least, bound)
	}
}
