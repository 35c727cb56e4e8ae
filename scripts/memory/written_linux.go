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

// The kernel's interface to have it look for pages (Documentation/admin-guide/mm/pagemap.rst, since Linux 6.7).
const (
	pagemapScan = 3<<30 | unsafe.Sizeof(scan{})<<16 | 'f'<<8 | 16 // _IOWR('f', 16, struct pm_scan_arg)

	pageIsFile    = 1 << 2
	pageIsPresent = 1 << 3
	pageIsSwapped = 1 << 4
	pageIsZero    = 1 << 5 // the one page of zeros that the kernel shows wherever nothing was written
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

// A scanner has room for what one look finds.
type scanner struct {
	scan    scan
	regions [256]region
	entries [512]uint64
}

// A pagemap says which of the process's pages are its own, whether they are in memory or swapped out. In a private mapping,
// these are the pages that were written to: each of the others is one of the file's, or is not there.
type pagemap struct {
	file *os.File
	// look returns the first ranges of such pages from start to end, as far as there was room, and how far it came.
	look func(s *scanner, pagemap *os.File, start, end uint64) (found []region, at uint64, err error)
}

var scanners = sync.Pool{New: func() any { return &scanner{} }}

// openPagemap returns nil where the system does not say enough of private mappings of this file, which has three pages.
func openPagemap(fd int) *pagemap {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil
	}
	for _, look := range []func(*scanner, *os.File, uint64, uint64) ([]region, uint64, error){(*scanner).scanPages, (*scanner).readPages} {
		if p := (&pagemap{f, look}); p.works(fd) {
			return p
		}
	}
	_ = f.Close() // nothing was written to it
	return nil
}

// works tells whether what is written to is found, and what is only read is not. Whoever stands in for a kernel may not know.
func (p *pagemap) works(fd int) bool {
	size := os.Getpagesize()
	pages, err := unix.Mmap(fd, 0, 3*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Munmap(pages) }() // a mapping that is not removed is but an address
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
		_ = p.file.Close() // nothing was written to it
	}
}

// written returns the ranges of whole pages of b, a private mapping, that were written to since it was mapped or dropped.
// What it yields last may be an error, and then not all of them were found.
func (p *pagemap) written(b []byte) iter.Seq2[[2]int, error] {
	return func(yield func([2]int, error) bool) {
		s := scanners.Get().(*scanner)
		defer scanners.Put(s)
		base := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
		for at, end := base, base+uint64(len(b)); at < end; {
			found, next, err := s.look(p, at, end)
			if err != nil {
				yield([2]int{}, fmt.Errorf("asking which pages were written to: %w", err))
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
		err = errors.New("it ended where it began")
	}
	return found, at, err
}

// scanPages has the kernel look.
func (s *scanner) scanPages(pagemap *os.File, start, end uint64) ([]region, uint64, error) {
	s.scan = scan{
		size: uint64(unsafe.Sizeof(s.scan)), start: start, end: end,
		regions: uint64(uintptr(unsafe.Pointer(&s.regions[0]))), length: uint64(len(s.regions)),
		inverted: pageIsFile | pageIsZero, mask: pageIsFile | pageIsZero, anyOf: pageIsPresent | pageIsSwapped, returned: pageIsFile,
	}
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, pagemap.Fd(), pagemapScan, uintptr(unsafe.Pointer(&s.scan)))
	runtime.KeepAlive(s)
	if errno != 0 {
		return nil, 0, errno
	}
	return s.regions[:n], s.scan.walkEnd, nil
}

// The bits of an entry of the pagemap: one of 64 bits for each page.
const (
	entryIsFile    = 1 << 61
	entryIsSwapped = 1 << 62
	entryIsPresent = 1 << 63
)

// readPages looks by itself, for kernels before 6.7. It takes the page of zeros for the process's own, which does no harm.
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
