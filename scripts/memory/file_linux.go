package memory

import (
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
	content []byte // a mapping of its own, to read from
	limit   int    // bytes of each mapping; what follows the content is zero

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
	return errors.Join(unix.Munmap(f.content), f.fd.Close())
}

// A mapping is the memory of one instance. It never moves.
type mapping struct {
	file  *file
	bytes []byte // all that there may be
	used  int    // the longest prefix that was ever in use
}

// Reallocate implements [experimental.LinearMemory].
func (m *mapping) Reallocate(size uint64) []byte {
	if size > uint64(len(m.bytes)) {
		return nil
	}
	m.used = max(m.used, int(size))
	return m.bytes[:size]
}

// Reset implements [Memory]. The kernel drops what the instance wrote, and shows the file and zeros in its place.
func (m *mapping) Reset() error {
	if err := unix.Madvise(m.bytes[:m.used], unix.MADV_DONTNEED); err != nil {
		return fmt.Errorf("dropping what an instance wrote: %w", err)
	}
	return nil
}

// Free implements [experimental.LinearMemory].
func (m *mapping) Free() {
	if m.Reset() != nil || !m.file.put(&mapping{file: m.file, bytes: m.bytes}) {
		m.unmap()
	}
	m.bytes = nil
}

func (m *mapping) unmap() {
	// What was mapped in one piece can be unmapped.
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(m.bytes)), uintptr(len(m.bytes)))
}
