package memory

import (
	"bytes"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"

	"registrar/scripts/wasmbin"
)

const limit = 128 * wasmbin.PageSize

// images returns images of each kind, by name.
func images(t *testing.T) map[string]*Image {
	t.Helper()
	content := func(size int) []byte { return bytes.Repeat([]byte("image"), size/5) }
	list := map[string]*Image{
		"copied": NewImage(content(wasmbin.PageSize/2), limit, &Buffers{}),
		"mapped": NewImage(content(5*wasmbin.PageSize), limit, &Buffers{}),
		"empty":  NewImage(nil, limit, &Buffers{}),
	}
	if (list["mapped"].file != nil) != (runtime.GOOS == "linux") {
		t.Errorf("a large image is mapped: %t on %s, want it on Linux only", list["mapped"].file != nil, runtime.GOOS)
	}
	return list
}

// fresh fails the test unless b holds the image, followed by zeros.
func fresh(t *testing.T, b []byte, i *Image) {
	t.Helper()
	n := min(len(b), len(i.content))
	if !bytes.Equal(b[:n], i.content[:n]) {
		t.Fatalf("a memory of %d bytes does not begin with the image", len(b))
	}
	if !bytes.Equal(b[n:], make([]byte, len(b)-n)) {
		t.Fatalf("a memory of %d bytes is not zero after the image", len(b))
	}
}

func poison(b []byte) {
	for i := range b {
		b[i] = 0xaa
	}
}

// Writing to a memory changes neither the image nor another memory.
func TestWritesDoNotChangeImage(t *testing.T) {
	for name, i := range images(t) {
		t.Run(name, func(t *testing.T) {
			before := bytes.Clone(i.content)
			for range 5 {
				a, b := i.New(), i.New()
				first, second := a.Reallocate(6*wasmbin.PageSize), b.Reallocate(8*wasmbin.PageSize)
				fresh(t, first, i)
				poison(first)
				fresh(t, second, i)
				poison(second)
				a.Free()
				b.Free()
			}
			if !bytes.Equal(i.content, before) {
				t.Error("the image has changed")
			}
			if err := i.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Reset restores the image after any writes, with any support by the kernel.
func TestReset(t *testing.T) {
	all := images(t)
	silent := NewImage(bytes.Repeat([]byte("image"), wasmbin.PageSize), limit, &Buffers{})
	silent.withoutPagemap()
	all["mapped, without the pagemap"] = silent
	old := NewImage(bytes.Repeat([]byte("image"), wasmbin.PageSize), limit, &Buffers{})
	old.withOldKernel()
	all["mapped, on an older kernel"] = old
	page := os.Getpagesize()
	for name, i := range all {
		t.Run(name, func(t *testing.T) {
			m := i.New()
			b := m.Reallocate(8 * wasmbin.PageSize)
			write := map[string]func(n int){
				"all of it":           func(int) { poison(b) },
				"the same byte":       func(int) { b[5*wasmbin.PageSize+17] = 1 },
				"a byte of each page": func(n int) { every(b, page, n) },
				"every other page":    func(n int) { every(b[n%2*page:], 2*page, n) },
				"a page at random": func(int) {
					at := rand.IntN(len(b)/page) * page
					poison(b[at : at+page])
				},
				"a byte at random": func(int) { b[rand.IntN(len(b))]++ },
				"the last byte":    func(int) { b[len(b)-1]++ },
				"nothing":          func(int) {},
			}
			for what, write := range write {
				for n := range 2*idlePeriod + 3 {
					write(n)
					if _, err := m.Reset(); err != nil {
						t.Fatal(err)
					}
					fresh(t, b, i)
					if t.Failed() {
						t.Fatalf("after writing %s, round %d", what, n)
					}
				}
			}
			// More pages than a memory keeps, and more ranges than one scan returns.
			b = m.Reallocate(limit)
			for n := range 4 {
				every(b[n%2*page:], 2*page, n)
				if _, err := m.Reset(); err != nil {
					t.Fatal(err)
				}
				fresh(t, b, i)
			}
			m.Free()
			fresh(t, i.New().Reallocate(limit), i)
		})
	}
}

// every changes one byte in each step bytes of b.
func every(b []byte, step, n int) {
	for at := n % step; at < len(b); at += step {
		b[at] ^= 0xaa
	}
}

// A memory can begin smaller than the image and grow beyond it.
func TestImageGrows(t *testing.T) {
	for name, i := range images(t) {
		t.Run(name, func(t *testing.T) {
			m := i.New()
			fresh(t, m.Reallocate(wasmbin.PageSize), i)
			b := m.Reallocate(6 * wasmbin.PageSize)
			fresh(t, b, i)
			poison(b)
			b = m.Reallocate(limit)
			if !bytes.Equal(b[:6*wasmbin.PageSize], bytes.Repeat([]byte{0xaa}, 6*wasmbin.PageSize)) {
				t.Error("growing lost the content")
			}
			if !bytes.Equal(b[6*wasmbin.PageSize:], make([]byte, limit-6*wasmbin.PageSize)) {
				t.Error("the new bytes are not zero")
			}
			m.Free()
			fresh(t, i.New().Reallocate(limit), i)
		})
	}
}

// If mapping fails, the content is copied.
func TestImageWithoutMapping(t *testing.T) {
	i := NewImage(bytes.Repeat([]byte("image"), wasmbin.PageSize), limit, &Buffers{})
	i.file = nil
	m := i.New()
	fresh(t, m.Reallocate(8*wasmbin.PageSize), i)
	m.Free()
}
