//go:build wasm && !tinygo

package registrar

// The server saves the state of a script after its init functions, and each registration begins there. So this runs
// once, and not in each registration's first step.
//
// The first allocation of a size is the most expensive: thousands of instructions, and a page or two of memory that the
// server has to restore. This function allocates all the usual sizes, with pointers and without, so that steps need
// not.
func init() {
	for size := 8; size <= largest; size += max(8, size/8) {
		bytes = make([]byte, size)
		pointers = make([]*byte, (size+pointerSize-1)/pointerSize)
	}
	bytes, pointers = nil, nil
}

const (
	largest     = 4 << 10 // bytes
	pointerSize = 8       // in standard Go for WebAssembly
)

// Package variables keep the values on the heap.
var (
	bytes    []byte
	pointers []*byte
)
