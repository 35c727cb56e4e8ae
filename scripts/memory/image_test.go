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

// images are of both kinds: small ones are copied, the others mapped where the system can.
func images(t *testing.T) map[string]*Image {
	t.Helper()
	content := func(size int) []byte { return bytes.Repeat([]byte("image"), size/5) }
	list := map[string]*Image{
		"copied": NewImage(content(wasmbin.PageSize/2), limit, &Buffers{}),
		"mapped": NewImage(content(5*wasmbin.PageSize), limit, &Buffers{}),
		"empty":  NewImage(nil, limit, &Buffers{}),
	}
	if (list["mapped"].file != nil) != (runtime.GOOS == "linux") {
		t.Error("a large image: is it mapped elsewhere than on Linux, or not there?")
	}
	return list
}

// fresh holds that a memory has the image, and zeros after it.
func fresh(t *testing.T, b []byte, i *Image) {
	t.Helper()
	n := min(len(b), len(i.content))
	if !bytes.Equal(b[:n], i.content[:n]) {
		t.Fatalf("of %d bytes, the first are not the image", len(b))
	}
	if !bytes.Equal(b[n:], make([]byte, len(b)-n)) {
		t.Fatalf("of %d bytes, those after the image are not zero", len(b))
	}
}

func poison(b []byte) {
	for i := range b {
		b[i] = 0xaa
	}
}

// Whatever an instance writes, another one, at the same time or later, finds the image.
func TestImageIsNobodysToChange(t *testing.T) {
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
				t.Error("the image is not what it was")
			}
			if err := i.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whatever is written, anywhere and as often as one likes, a reset brings the image back: where the kernel says what was
// written, where it does not, and where that is more than an instance may keep.
func TestReset(t *testing.T) {
	all := images(t)
	silent := NewImage(bytes.Repeat([]byte("image"), wasmbin.PageSize), limit, &Buffers{})
	silent.withoutPagemap()
	all["mapped, where the kernel does not say what was written"] = silent
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
						t.Fatalf("%s was written, for the time %d", what, n)
					}
				}
			}
			// More than an instance keeps, and more ranges than one look finds.
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

// every writes a byte in each step bytes of b.
func every(b []byte, step, n int) {
	for at := n % step; at < len(b); at += step {
		b[at] ^= 0xaa
	}
}

// A memory may be smaller at first than the image, and grow beyond it.
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
				t.Error("growing lost what was there")
			}
			if !bytes.Equal(b[6*wasmbin.PageSize:], make([]byte, limit-6*wasmbin.PageSize)) {
				t.Error("what it grew by is not zero")
			}
			m.Free()
			fresh(t, i.New().Reallocate(limit), i)
		})
	}
}

// Where the system gives no mapping, what there is serves.
func TestImageWithoutMapping(t *testing.T) {
	i := NewImage(bytes.Repeat([]byte("image"), wasmbin.PageSize), limit, &Buffers{})
	i.file = nil
	m := i.New()
	fresh(t, m.Reallocate(8*wasmbin.PageSize), i)
	m.Free()
}
