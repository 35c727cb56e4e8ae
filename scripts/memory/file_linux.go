package memory

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxIdle bounds the mappings of an image that wait for the next instance. They take addresses, but no memory.
const maxIdle = 64

// A file holds an image that is mapped.
type file struct {
	fd      *os.File
	pagemap *pagemap // says what was written to; nil where the system does not
	content []byte   // a mapping of its own, to read from
	limit   int      // bytes of each mapping; what follows the content is zero

	mu     sync.Mutex
	idle   []*mapping // as they were when they were made
	closed bool
}

// newFile fails where the system has no memory files.
func newFile(content []byte, limit int) (*file, error) {
	fd, err := unix.MemfdCreate("registrar-image", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("creating a memory file: %w", err)
	}
	f := &file{fd: os.NewFile(uintptr(fd), "image"), limit: limit}
	if _, err := f.fd.Write(content); err != nil {
		return nil, errors.Join(fmt.Errorf("writing a memory file: %w", err), f.fd.Close())
	}
	f.content, err = unix.Mmap(fd, 0, len(content), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mapping a memory file: %w", err), f.fd.Close())
	}
	f.pagemap = openPagemap(fd)
	return f, nil
}

// take returns a mapping that holds the image, and zeros after it.
func (f *file) take() (Memory, error) {
	f.mu.Lock()
	if n := len(f.idle); n > 0 {
		m := f.idle[n-1]
		f.idle = f.idle[:n-1]
		f.mu.Unlock()
		return m, nil
	}
	f.mu.Unlock()
	return f.mapNew()
}

// mapNew takes addresses for all that the memory may grow to, so that it never moves, and lays the file over the first of
// them. Huge pages would copy and zero much more than an instance touches.
func (f *file) mapNew() (*mapping, error) {
	const access = unix.PROT_READ | unix.PROT_WRITE
	base, err := unix.MmapPtr(-1, 0, nil, uintptr(f.limit), access, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("taking addresses for a memory: %w", err)
	}
	_, err = unix.MmapPtr(int(f.fd.Fd()), 0, base, uintptr(len(f.content)), access, unix.MAP_PRIVATE|unix.MAP_NORESERVE|unix.MAP_FIXED)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mapping an image: %w", err), unix.MunmapPtr(base, uintptr(f.limit)))
	}
	m := &mapping{file: f, bytes: unsafe.Slice((*byte)(base), f.limit)}
	_ = unix.Madvise(m.bytes, unix.MADV_NOHUGEPAGE) // a kernel without them refuses
	return m, nil
}

// put takes a mapping back that holds the image again, false where it is not wanted.
func (f *file) put(m *mapping) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || len(f.idle) == maxIdle {
		return false
	}
	f.idle = append(f.idle, m)
	return true
}

// close is called once no mapping is in use.
func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, m := range f.idle {
		m.unmap()
	}
	f.idle = nil
	f.pagemap.close()
	return errors.Join(unix.Munmap(f.content), f.fd.Close())
}

// A mapping is the memory of one instance. It never moves.
type mapping struct {
	file   *file
	bytes  []byte // all that there may be
	used   int    // the longest prefix that was ever in use
	resets int
}

// Reallocate implements [experimental.LinearMemory].
func (m *mapping) Reallocate(size uint64) []byte {
	if size > uint64(len(m.bytes)) {
		return nil
	}
	m.used = max(m.used, int(size))
	return m.bytes[:size]
}

const (
	// maxOwn is how much of its memory an instance may keep as its own when it is reset, in bytes.
	maxOwn = 4 << 20
	// minIdle is how much of that must have been left alone, in bytes, for it to be dropped.
	minIdle = 256 << 10
	// idlePeriod is how many resets there are from one look at what was left alone to the next.
	idlePeriod = 16
)

// Reset implements [Memory]. What the instance wrote to, the kernel says. These pages it keeps, with the image copied back
// into each: an instance mostly writes where the one before it did, and a page that it has already costs a quarter of one
// that the kernel takes away and has to copy again. Where they are too many, or the kernel does not say, or many have not
// been written to since, it drops them all and shows the file and zeros in their place.
func (m *mapping) Reset() (copied int, err error) {
	if m.file.pagemap == nil {
		return 0, m.drop()
	}
	m.resets++
	look := m.resets%idlePeriod == 0
	idle := 0
	for r, err := range m.file.pagemap.written(m.bytes[:m.used]) {
		if copied += r[1] - r[0]; err != nil || copied > maxOwn {
			return 0, m.drop()
		}
		if look {
			idle += m.file.unchanged(m.bytes, r[0], r[1])
		}
		m.file.copyTo(m.bytes, r[0], r[1])
	}
	if idle > max(minIdle, copied/4) {
		return 0, m.drop()
	}
	return copied, nil
}

// copyTo copies a range of the image to where it stands in b.
func (f *file) copyTo(b []byte, start, end int) {
	n := copy(b[start:end], f.content[min(start, len(f.content)):])
	clear(b[start+n : end])
}

// unchanged counts the bytes of the pages in a range of b that hold the image.
func (f *file) unchanged(b []byte, start, end int) (n int) {
	page := os.Getpagesize()
	for ; start < end; start += page {
		want := f.content[min(start, len(f.content)):min(start+page, len(f.content))]
		if bytes.Equal(b[start:start+len(want)], want) && isZero(b[start+len(want):start+page]) {
			n += page
		}
	}
	return n
}

func isZero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return true
}

// drop has the kernel take away what the instance wrote.
func (m *mapping) drop() error {
	if err := unix.Madvise(m.bytes[:m.used], unix.MADV_DONTNEED); err != nil {
		return fmt.Errorf("dropping what an instance wrote: %w", err)
	}
	return nil
}

// Free implements [experimental.LinearMemory].
func (m *mapping) Free() {
	if m.drop() != nil || !m.file.put(&mapping{file: m.file, bytes: m.bytes}) {
		m.unmap()
	}
	m.bytes = nil
}

func (m *mapping) unmap() {
	// What was mapped in one piece can be unmapped.
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(m.bytes)), uintptr(len(m.bytes)))
}
