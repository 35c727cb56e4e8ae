package memory

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The ioctl PAGEMAP_SCAN, since Linux 6.7 (Documentation/admin-guide/mm/pagemap.rst).
const (
	pagemapScan = 3<<30 | unsafe.Sizeof(scan{})<<16 | 'f'<<8 | 16 // _IOWR('f', 16, struct pm_scan_arg)

	pageIsFile    = 1 << 2
	pageIsPresent = 1 << 3
	pageIsSwapped = 1 << 4
	pageIsZero    = 1 << 5 // the kernel's shared page of zeros
)

// A scan is a struct pm_scan_arg.
type scan struct {
	size, flags              uint64
	start, end, walkEnd      uint64
	regions, length, maximum uint64
	inverted, mask, anyOf    uint64
	returned                 uint64
}

// A region is a struct page_region.
type region struct{ start, end, categories uint64 }

// A scanner holds the buffers of one look.
type scanner struct {
	scan    scan
	regions [256]region
	entries [512]uint64
}

// A pagemap finds the private pages of a mapping, in memory or swapped out. In a private mapping these are the pages
// that were written to. All others belong to the file or do not exist yet.
type pagemap struct {
	file *os.File
	// look returns ranges of private pages between start and end, as far as they fit the scanner, and where it stopped.
	look func(s *scanner, pagemap *os.File, start, end uint64) (found []region, at uint64, err error)
}

var scanners = sync.Pool{New: func() any { return &scanner{} }}

// openPagemap returns a pagemap for private mappings of a file, which must have at least three pages. It returns nil if
// the system does not support that.
func openPagemap(fd int) *pagemap {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil
	}
	for _, look := range []func(*scanner, *os.File, uint64, uint64) ([]region, uint64, error){
		(*scanner).scanPages, (*scanner).readPages,
	} {
		if p := (&pagemap{f, look}); p.works(fd) {
			return p
		}
	}
	_ = f.Close() // it was only read
	return nil
}

// works reports whether p finds a page that was written to, and only that. Sandboxes that emulate a kernel may not
// support the pagemap correctly.
func (p *pagemap) works(fd int) bool {
	size := os.Getpagesize()
	pages, err := unix.Mmap(fd, 0, 3*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Munmap(pages) }() // a failure leaks only address space
	pages[size] = pages[0] + 1
	n := 0
	for r, err := range p.written(pages) {
		if n++; err != nil || r != [2]int{size, 2 * size} {
			return false
		}
	}
	return n == 1
}

func (p *pagemap) close() {
	if p != nil {
		_ = p.file.Close() // it was only read
	}
}

// written returns the ranges of whole pages of b that were written to since b was mapped or dropped. b must be a
// private mapping. written ends after the first error.
func (p *pagemap) written(b []byte) iter.Seq2[[2]int, error] {
	return func(yield func([2]int, error) bool) {
		s := scanners.Get().(*scanner)
		defer scanners.Put(s)
		base := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
		for at, end := base, base+uint64(len(b)); at < end; {
			found, next, err := s.look(p, at, end)
			if err != nil {
				yield([2]int{}, fmt.Errorf("finding written pages: %w", err))
				return
			}
			for _, r := range found {
				if !yield([2]int{int(r.start - base), int(r.end - base)}, nil) {
					return
				}
			}
			at = next
		}
	}
}

func (s *scanner) look(p *pagemap, start, end uint64) ([]region, uint64, error) {
	found, at, err := p.look(s, p.file, start, end)
	if err == nil && at <= start {
		err = errors.New("the scan made no progress")
	}
	return found, at, err
}

// scanPages implements look by PAGEMAP_SCAN.
func (s *scanner) scanPages(pagemap *os.File, start, end uint64) ([]region, uint64, error) {
	s.scan = scan{
		size: uint64(unsafe.Sizeof(s.scan)), start: start, end: end,
		regions: uint64(uintptr(unsafe.Pointer(&s.regions[0]))), length: uint64(len(s.regions)),
		inverted: pageIsFile | pageIsZero, mask: pageIsFile | pageIsZero,
		anyOf: pageIsPresent | pageIsSwapped, returned: pageIsFile,
	}
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, pagemap.Fd(), pagemapScan, uintptr(unsafe.Pointer(&s.scan)))
	runtime.KeepAlive(s)
	if errno != 0 {
		return nil, 0, errno
	}
	return s.regions[:n], s.scan.walkEnd, nil
}

// Bits of an entry of /proc/self/pagemap, which has 64 bits for each page.
const (
	entryIsFile    = 1 << 61
	entryIsSwapped = 1 << 62
	entryIsPresent = 1 << 63
)

// readPages implements look by reading entries, for kernels before 6.7. It also returns mappings of the shared page of
// zeros, which does no harm.
func (s *scanner) readPages(pagemap *os.File, start, end uint64) ([]region, uint64, error) {
	page := uint64(os.Getpagesize())
	n := min(int((end-start)/page), len(s.entries))
	entries := unsafe.Slice((*byte)(unsafe.Pointer(&s.entries[0])), 8*n)
	if _, err := pagemap.ReadAt(entries, int64(start/page*8)); err != nil {
		return nil, 0, err
	}
	found := s.regions[:0]
	for _, entry := range s.entries[:n] {
		if entry&entryIsFile == 0 && entry&(entryIsPresent|entryIsSwapped) != 0 {
			if last := len(found) - 1; last >= 0 && found[last].end == start {
				found[last].end += page
			} else if found = append(found, region{start: start, end: start + page}); len(found) == cap(found) {
				return found, start + page, nil
			}
		}
		start += page
	}
	return found, start, nil
}
