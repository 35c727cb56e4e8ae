package memory

import (
	"bytes"
	"testing"

	"registrar/scripts/wasmbin"
)

// Whatever an instance left in its memory, the next one finds zeros.
func TestBuffersAreZero(t *testing.T) {
	b := &Buffers{}
	for _, sizes := range [][]uint64{{1 * wasmbin.PageSize}, {17 * wasmbin.PageSize, 18 * wasmbin.PageSize, 40 * wasmbin.PageSize}, {wasmbin.PageSize, 256 * wasmbin.PageSize}, {3 * wasmbin.PageSize}, {32 * wasmbin.PageSize, 32 * wasmbin.PageSize}} {
		for range 3 {
			m := b.Allocate(0, 0)
			var whole []byte
			for i, size := range sizes {
				kept := len(whole)
				whole = m.Reallocate(size)
				if uint64(len(whole)) != size {
					t.Fatalf("%d bytes, want %d", len(whole), size)
				}
				if i > 0 && !bytes.Equal(whole[:kept], bytes.Repeat([]byte{0xaa}, kept)) {
					t.Fatalf("growing to %d bytes lost what was there", size)
				}
				if fresh := whole[kept:]; !bytes.Equal(fresh, make([]byte, len(fresh))) {
					t.Fatalf("fresh memory of %d bytes is not zero", len(fresh))
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
		t.Errorf("%v allocations for an instance, want the buffer to be used again", allocations)
	}
	if b.kept != 32*wasmbin.PageSize {
		t.Errorf("%d bytes are kept, want the one buffer of 32 pages", b.kept)
	}
}

func TestBuffersThatWaitAreBounded(t *testing.T) {
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
		t.Errorf("%d bytes are kept, more than %d", b.kept, maxKept)
	}
}
