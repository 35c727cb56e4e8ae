package app

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

// An idle server returns the memory that load left behind.
func TestMemoryIsReturned(t *testing.T) {
	// With this much live memory Go itself returns nothing, since it may need it before it collects.
	alive := make([]byte, 512<<20)
	defer runtime.KeepAlive(alive)
	const garbage = 64 << 20
	fill(make([]byte, garbage))
	runtime.GC()
	if kept := unused(); kept < garbage/2 {
		t.Fatalf("%d bytes are unused before rest, want %d", kept, garbage)
	}
	go rest(t.Context())
	for deadline := time.Now().Add(time.Minute); unused() > garbage/4; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are unused after a minute, want at most %d", unused(), garbage/4)
		}
	}
}

//go:noinline
func fill(b []byte) {
	for i := range b {
		b[i] = 1
	}
}

// unused returns the bytes of the heap that are free and were not returned to the system.
func unused() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/free:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
