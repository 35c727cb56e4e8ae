package memory

import (
	"fmt"
	"iter"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel's interface to ask which pages have been written to (Linux 6.7, Documentation/admin-guide/mm/pagemap.rst).
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

// A scanner has room for what one scan finds.
type scanner struct {
	scan    scan
	regions [256]region
}

var scanners = sync.Pool{New: func() any { return &scanner{} }}

// openPagemap returns the file that says what the pages of this process are, nil where the system does not say enough.
func openPagemap() *os.File {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil
	}
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		_ = f.Close() // nothing was written to it
		return nil
	}
	defer func() { _ = unix.Munmap(page) }() // a mapping that is not removed is but an address
	page[0] = 1
	for r, err := range written(f, page) {
		if err == nil && r == [2]int{0, len(page)} {
			return f
		}
	}
	_ = f.Close()
	return nil
}

// find looks for pages that are the process's own, whether they are in memory or swapped out. In a private mapping, these
// are the pages that were written to: each of the others is one of the file's, or is not there. It returns the ranges that
// there was room for, and s.scan.walkEnd says how far it came.
func (s *scanner) find(pagemap *os.File, start, length uint64) ([]region, error) {
	s.scan = scan{
		size: uint64(unsafe.Sizeof(s.scan)), start: start, end: start + length,
		regions: uint64(uintptr(unsafe.Pointer(&s.regions[0]))), length: uint64(len(s.regions)),
		inverted: pageIsFile | pageIsZero, mask: pageIsFile | pageIsZero, anyOf: pageIsPresent | pageIsSwapped, returned: pageIsFile,
	}
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, pagemap.Fd(), pagemapScan, uintptr(unsafe.Pointer(&s.scan)))
	runtime.KeepAlive(s)
	if errno != 0 {
		return nil, fmt.Errorf("asking which pages were written to: %w", errno)
	}
	return s.regions[:n], nil
}

// written returns the ranges of whole pages of b, a private mapping, that were written to since it was mapped or dropped.
// What it yields last may be an error, and then not all of them were found.
func written(pagemap *os.File, b []byte) iter.Seq2[[2]int, error] {
	return func(yield func([2]int, error) bool) {
		s := scanners.Get().(*scanner)
		defer scanners.Put(s)
		base := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
		for at, end := base, base+uint64(len(b)); at < end; at = s.scan.walkEnd {
			found, err := s.find(pagemap, at, end-at)
			if err == nil && s.scan.walkEnd <= at {
				err = fmt.Errorf("asking which pages were written to: it ended where it began")
			}
			if err != nil {
				yield([2]int{}, err)
				return
			}
			for _, r := range found {
				if !yield([2]int{int(r.start - base), int(r.end - base)}, nil) {
					return
				}
			}
		}
	}
}
