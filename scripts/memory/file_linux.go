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

// maxIdle bounds the idle mappings of an image. They take address space, but no memory.
const maxIdle = 64

// A file is a memory file with the content of an image, which instances map.
type file struct {
	fd      *os.File
	pagemap *pagemap // finds written pages; nil if the system does not support that
	content []byte   // a separate mapping, for reading
	limit   int      // bytes of each mapping; zeros follow the content

	mu     sync.Mutex
	idle   []*mapping // unused mappings that hold the image
	closed bool
}

// newFile creates a memory file. It fails if the system does not support them.
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

// take returns a mapping that holds the image, followed by zeros.
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

// mapNew reserves address space for the maximum size of the memory, so that it never moves, and maps the file to its
// beginning. It disables huge pages, which would copy and zero far more than an instance touches.
func (f *file) mapNew() (*mapping, error) {
	const access = unix.PROT_READ | unix.PROT_WRITE
	base, err := unix.MmapPtr(-1, 0, nil, uintptr(f.limit), access, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("reserving address space for a memory: %w", err)
	}
	_, err = unix.MmapPtr(int(f.fd.Fd()), 0, base, uintptr(len(f.content)), access,
		unix.MAP_PRIVATE|unix.MAP_NORESERVE|unix.MAP_FIXED)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mapping an image: %w", err), unix.MunmapPtr(base, uintptr(f.limit)))
	}
	m := &mapping{file: f, bytes: unsafe.Slice((*byte)(base), f.limit)}
	_ = unix.Madvise(m.bytes, unix.MADV_NOHUGEPAGE) // fails on a kernel without huge pages
	return m, nil
}

// put makes a mapping idle that holds the image again. It returns false if there are enough, or f is closed.
func (f *file) put(m *mapping) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || len(f.idle) == maxIdle {
		return false
	}
	f.idle = append(f.idle, m)
	return true
}

// close unmaps and closes the file. No mapping may be in use.
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
	bytes  []byte // up to the limit
	used   int    // the length of the longest prefix that was in use
	resets int    // calls of Reset
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
	// maxOwn bounds the private pages that a memory keeps in a reset, in bytes.
	maxOwn = 4 << 20
	// minIdle is the minimum of private pages without changes for which Reset drops all of them, in bytes.
	minIdle = 256 << 10
	// idlePeriod is the number of resets between two checks for private pages without changes.
	idlePeriod = 16
)

// Reset implements [Memory]. The kernel finds the pages that the instance wrote to. Reset keeps these private pages and
// copies the image back into each. Instances mostly write to the same pages, and keeping a page costs a quarter of
// dropping it and having the kernel copy it again. Reset drops all private pages, so that the file and zeros appear in
// their place, if there are too many, if the kernel cannot find them, or if many have not changed since the last reset.
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

// copyTo copies a range of the image to the same range of b.
func (f *file) copyTo(b []byte, start, end int) {
	n := copy(b[start:end], f.content[min(start, len(f.content)):])
	clear(b[start+n : end])
}

// unchanged returns the size of the pages in a range of b that equal the image, in bytes.
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

// drop makes the kernel drop the private pages.
func (m *mapping) drop() error {
	if err := unix.Madvise(m.bytes[:m.used], unix.MADV_DONTNEED); err != nil {
		return fmt.Errorf("dropping the pages of a memory: %w", err)
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
	// It cannot fail: m.bytes was mapped as a whole.
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(m.bytes)), uintptr(len(m.bytes)))
}
