package memory

import (
	"bytes"
	"os"
	"testing"

	"registrar/scripts/wasmbin"
)

func (i *Image) withoutPagemap() { i.file.pagemap = nil }

func (i *Image) withOldKernel() {
	if i.file.pagemap != nil {
		i.file.pagemap.look = (*scanner).readPages
	}
}

// Scanning and reading the pagemap find the same pages.
func TestWritten(t *testing.T) {
	i := NewImage(bytes.Repeat([]byte("image"), wasmbin.PageSize), limit, &Buffers{})
	if i.file.pagemap == nil {
		t.Skip("the system does not support the pagemap")
	}
	page := os.Getpagesize()
	m := i.New().(*mapping)
	b := m.Reallocate(limit)
	every(b, 3*page, 0)
	poison(b[40*page : 60*page])
	poison(b[len(b)-page:])
	for _, look := range []func(*Image){func(*Image) {}, (*Image).withOldKernel} {
		look(i)
		found := make([]bool, len(b)/page)
		for r, err := range i.file.pagemap.written(b) {
			if err != nil {
				t.Fatal(err)
			}
			for at := r[0]; at < r[1]; at += page {
				found[at/page] = true
			}
		}
		for n, got := range found {
			if want := n%3 == 0 || n >= 40 && n < 60 || n == len(found)-1; got != want {
				t.Errorf("page %d: found %t, want %t", n, got, want)
			}
		}
	}
}

// Reset keeps private pages that are written to repeatedly, and drops them when they no longer are.
func TestResetKeepsPages(t *testing.T) {
	i := NewImage(bytes.Repeat([]byte("image"), wasmbin.PageSize), limit, &Buffers{})
	if i.file.pagemap == nil {
		t.Skip("the system does not support the pagemap")
	}
	page := os.Getpagesize()
	m := i.New()
	b := m.Reallocate(limit)
	reset := func() int {
		copied, err := m.Reset()
		if err != nil {
			t.Fatal(err)
		}
		return copied / page
	}
	if n := reset(); n != 0 {
		t.Errorf("%d pages are copied before the first write, want 0", n)
	}
	// Reads of the image do not count as writes. Some kernels back a read of the zeros behind it with a page of its own.
	_ = bytes.Count(b[:len(i.file.content)], []byte{1})
	every(b[:100*page], page, 0)
	for range 3 * idlePeriod {
		if n := reset(); n != 100 {
			t.Fatalf("%d pages are copied, want the 100 that were written", n)
		}
		every(b[:100*page], page, 0)
	}
	for range idlePeriod {
		reset()
	}
	b[0]++
	if n := reset(); n != 1 {
		t.Errorf("%d pages are copied, want 1, because the others have not been written to for long", n)
	}
	every(b, page, 0)
	if n := reset(); n != 0 {
		t.Errorf("%d pages are copied, want 0, because there are more than a memory may keep", n)
	}
	fresh(t, b, i)
	m.Free()
	if err := i.Close(); err != nil {
		t.Error(err)
	}
}

// A pagemap is not used if it reports no page, all pages, or makes no progress.
func TestPagemapThatDoesNotWork(t *testing.T) {
	i := NewImage(bytes.Repeat([]byte("image"), wasmbin.PageSize), limit, &Buffers{})
	fd := int(i.file.fd.Fd())
	nothing := func(_ *scanner, _ *os.File, _, end uint64) ([]region, uint64, error) { return nil, end, nil }
	all := func(_ *scanner, _ *os.File, start, end uint64) ([]region, uint64, error) {
		return []region{{start: start, end: end}}, end, nil
	}
	stuck := func(_ *scanner, _ *os.File, start, _ uint64) ([]region, uint64, error) { return nil, start, nil }
	for _, p := range []*pagemap{{look: nothing}, {look: all}, {look: stuck}} {
		if p.works(fd) {
			t.Error("a broken pagemap is accepted")
		}
	}
	if p := openPagemap(fd); p != nil && !p.works(fd) {
		t.Error("openPagemap returned a pagemap that does not work")
	}
}
