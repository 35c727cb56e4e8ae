package app

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

// What load left behind goes back to the system when there is nothing to do.
func TestMemoryIsGivenBack(t *testing.T) {
	// With that much alive, Go by itself gives nothing back: it could need it before it collects.
	alive := make([]byte, 512<<20)
	defer runtime.KeepAlive(alive)
	const garbage = 64 << 20
	fill(make([]byte, garbage))
	runtime.GC()
	if kept := unused(); kept < garbage/2 {
		t.Fatalf("%d bytes are kept before anything rests, want %d", kept, garbage)
	}
	go rest(t.Context())
	for deadline := time.Now().Add(time.Minute); unused() > garbage/4; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are kept after a minute", unused())
		}
	}
}

//go:noinline
func fill(b []byte) {
	for i := range b {
		b[i] = 1
	}
}

// unused is the memory of the heap that is free, and was not given back.
func unused() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/free:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
