package memory

import (
	"bytes"
	"fmt"
	"os"
	"testing"
)

// BenchmarkReset is to write to so many pages of a memory of 4 MiB, scattered, and to reset it: where what was written is
// found and copied, and where the kernel drops it all and brings each page anew.
func BenchmarkReset(b *testing.B) {
	page := os.Getpagesize()
	for _, pages := range []int{0, 1, 20, 60, 200} {
		for _, kept := range []bool{true, false} {
			b.Run(fmt.Sprintf("pages=%d/kept=%t", pages, kept), func(b *testing.B) {
				i := NewImage(bytes.Repeat([]byte("image..."), 3<<20/8), limit, &Buffers{})
				defer i.Close()
				if !kept {
					i.withoutPagemap()
				}
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
