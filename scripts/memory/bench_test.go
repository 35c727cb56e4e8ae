package memory

import (
	"bytes"
	"fmt"
	"os"
	"testing"
)

// BenchmarkReset measures writing to some scattered pages of a memory of 4 MiB, and resetting it. The written pages are
// found by the kernel's scan ("scanned"), or by reading the pagemap ("read"), and copied; or the kernel drops all pages
// ("dropped").
func BenchmarkReset(b *testing.B) {
	page := os.Getpagesize()
	for _, pages := range []int{0, 1, 20, 60, 200} {
		for name, kind := range map[string]func(*Image){
			"scanned": func(*Image) {}, "read": (*Image).withOldKernel, "dropped": (*Image).withoutPagemap,
		} {
			b.Run(fmt.Sprintf("pages=%d/%s", pages, name), func(b *testing.B) {
				i := NewImage(bytes.Repeat([]byte("image..."), 3<<20/8), limit, &Buffers{})
				defer i.Close()
				kind(i)
				m := i.New()
				defer m.Free()
				buffer := m.Reallocate(4 << 20)
				for b.Loop() {
					for n := range pages {
						buffer[n*5*page]++
					}
					if _, err := m.Reset(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
