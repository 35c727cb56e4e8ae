package host

import (
	"fmt"
	"testing"
	"time"

	"registrar/engine"
)

// The log of overwritten patches tells a bounded number of them apart, and forgets those that are long past.
func TestOverwrittenLogIsBounded(t *testing.T) {
	var o overwrittenLog
	patch := func(n int) engine.Overwritten { return engine.Overwritten{Member: fmt.Sprintf("client_name#x-%d", n)} }
	start := time.UnixMilli(0)
	for n := range 2 * maxOverwritten {
		if got := o.due(patch(n), start); got != (n < maxOverwritten) {
			t.Fatalf("patch %d: a warning is due: %t", n, got)
		}
	}
	if o.due(patch(0), start.Add(overwrittenInterval-1)) {
		t.Error("a warning is due again within the interval")
	}
	later := start.Add(overwrittenInterval)
	if !o.due(patch(0), later) || !o.due(patch(maxOverwritten), later) || len(o.last) != 2 {
		t.Errorf("after the interval, %d patches are noted, want the two that are due", len(o.last))
	}
}
