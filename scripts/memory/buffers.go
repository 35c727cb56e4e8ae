// Package memory gives instances the bytes of their linear memories: zeros from [Buffers], or the content of an [Image].
// None of it ever holds what another instance wrote.
package memory

import (
	"math/bits"
	"sync"

	"github.com/tetratelabs/wazero/experimental"

	"registrar/scripts/wasmbin"
)

// maxKept bounds the memory that waits for the next instance, in bytes.
const maxKept = 32 << 20

// Buffers lends memory to instances and takes it back: a fresh buffer of a few hundred KiB costs more than a small script
// does. A buffer that waits holds zeros only, as a fresh one does. The zero value is ready for use, by many at once.
type Buffers struct {
	mu   sync.Mutex
	free [32][][]byte // by the power of two that is a buffer's length in pages
	kept int          // bytes in free
}

// Allocate implements [experimental.MemoryAllocator].
func (b *Buffers) Allocate(_, _ uint64) experimental.LinearMemory { return &buffered{from: b} }

// Kept is how many bytes wait for the next instance.
func (b *Buffers) Kept() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept
}

// buffered is the memory of one instance. It may move when it grows.
type buffered struct {
	from   *Buffers
	buffer []byte // whole; a prefix of it is in use
	used   int    // the longest prefix that was ever in use
}

// Reallocate implements [experimental.LinearMemory].
func (l *buffered) Reallocate(size uint64) []byte {
	if size > uint64(len(l.buffer)) {
		larger := l.from.take(size)
		copy(larger, l.buffer[:l.used])
		l.from.put(l.buffer, l.used)
		l.buffer = larger
	}
	l.used = max(l.used, int(size))
	return l.buffer[:size]
}

// Free implements [experimental.LinearMemory].
func (l *buffered) Free() {
	l.from.put(l.buffer, l.used)
	l.buffer, l.used = nil, 0
}

// take returns zeros of at least size bytes.
func (b *Buffers) take(size uint64) []byte {
	class := bits.Len64((size - 1) / wasmbin.PageSize)
	b.mu.Lock()
	defer b.mu.Unlock()
	if list := b.free[class]; len(list) > 0 {
		buffer := list[len(list)-1]
		b.free[class] = list[:len(list)-1]
		b.kept -= len(buffer)
		return buffer
	}
	return make([]byte, wasmbin.PageSize<<class)
}

// put takes a buffer back, of which a prefix was used.
func (b *Buffers) put(buffer []byte, used int) {
	if len(buffer) == 0 {
		return
	}
	clear(buffer[:used])
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept+len(buffer) > maxKept {
		return
	}
	class := bits.Len(uint(len(buffer)-1) / wasmbin.PageSize)
	b.free[class] = append(b.free[class], buffer)
	b.kept += len(buffer)
}
