// Package memory provides the linear memories of instances. They begin with zeros, from [Buffers], or with the content
// of an [Image], and never hold what another instance wrote.
package memory

import (
	"math/bits"
	"sync"

	"github.com/tetratelabs/wazero/experimental"

	"registrar/scripts/wasmbin"
)

// maxKept bounds the free buffers, in bytes.
const maxKept = 32 << 20

// Buffers is a pool of buffers for the memories of instances: allocating a few hundred KiB costs more than running a
// small script. Free buffers hold only zeros. The zero value is ready to use. A Buffers is safe for concurrent use.
type Buffers struct {
	mu   sync.Mutex
	free [32][][]byte // by the binary logarithm of a buffer's length in pages
	kept int          // bytes in free
}

// Allocate implements [experimental.MemoryAllocator].
func (b *Buffers) Allocate(_, _ uint64) experimental.LinearMemory { return &buffered{from: b} }

// Kept returns the size of the free buffers, in bytes.
func (b *Buffers) Kept() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept
}

// A buffered is the memory of one instance in a buffer. It may move when it grows.
type buffered struct {
	from   *Buffers
	buffer []byte // the whole buffer; a prefix of it is in use
	used   int    // the length of the longest prefix that was in use
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

// take returns a buffer of at least size zeros.
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

// put frees a buffer of which the first used bytes may be other than zero.
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
