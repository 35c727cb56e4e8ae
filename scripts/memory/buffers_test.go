package memory

import (
	"bytes"
	"testing"

	"registrar/scripts/wasmbin"
)

// A memory begins with zeros, even if its buffer was used by another instance.
func TestBuffersAreZero(t *testing.T) {
	b := &Buffers{}
	for _, pages := range [][]uint64{{1}, {17, 18, 40}, {1, 256}, {3}, {32, 32}} {
		for range 3 {
			m := b.Allocate(0, 0)
			var whole []byte
			for i, n := range pages {
				size := n * wasmbin.PageSize
				kept := len(whole)
				whole = m.Reallocate(size)
				if uint64(len(whole)) != size {
					t.Fatalf("got %d bytes, want %d", len(whole), size)
				}
				if i > 0 && !bytes.Equal(whole[:kept], bytes.Repeat([]byte{0xaa}, kept)) {
					t.Fatalf("growing to %d bytes lost the content", size)
				}
				if fresh := whole[kept:]; !bytes.Equal(fresh, make([]byte, len(fresh))) {
					t.Fatalf("%d new bytes are not zero", len(fresh))
				}
				for j := range whole {
					whole[j] = 0xaa // poison
				}
			}
			m.Free()
		}
	}
}

func TestBuffersAreReused(t *testing.T) {
	b := &Buffers{}
	allocations := testing.AllocsPerRun(100, func() {
		m := b.Allocate(0, 0)
		m.Reallocate(17 * wasmbin.PageSize)
		m.Free()
	})
	if allocations > 2 {
		t.Errorf("%v allocations for an instance, want at most 2, because the buffer is reused", allocations)
	}
	if b.kept != 32*wasmbin.PageSize {
		t.Errorf("%d bytes are free, want one buffer of 32 pages", b.kept)
	}
}

func TestFreeBuffersAreBounded(t *testing.T) {
	b := &Buffers{}
	var lent []interface{ Free() }
	for range 10 {
		m := b.Allocate(0, 0)
		m.Reallocate(256 * wasmbin.PageSize)
		lent = append(lent, m)
	}
	for _, m := range lent {
		m.Free()
	}
	if b.kept > maxKept {
		t.Errorf("%d bytes are free, want at most %d", b.kept, maxKept)
	}
}
