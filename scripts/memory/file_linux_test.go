package memory

import (
	"bytes"
	"os"
	"testing"
)

func (i *Image) withoutPagemap() { i.file.pagemap = nil }

// What an instance writes to again and again stays its own; what it does not write to any more, it gives back.
func TestResetKeepsPages(t *testing.T) {
	i := NewImage(bytes.Repeat([]byte("image"), pageSize), limit, &Buffers{})
	if i.file.pagemap == nil {
		t.Skip("the kernel does not say what was written")
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
		t.Errorf("%d pages are copied before anything was written", n)
	}
	_ = bytes.Count(b, []byte{1}) // to read is not to write
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
		t.Errorf("%d pages are copied, want the one: the others have not been written to for long", n)
	}
	every(b, page, 0)
	if n := reset(); n != 0 {
		t.Errorf("%d pages are copied, more than an instance may keep", n)
	}
	fresh(t, b, i)
	m.Free()
	if err := i.Close(); err != nil {
		t.Error(err)
	}
}
