//go:build wasm && !tinygo

package registrar

// The server keeps what a script is like once its init functions have run, and has each registration begin there. Whatever
// is done here is done once, and not in each registration's first step.
//
// The first value of a size is what costs the allocator most: thousands of instructions, and a page or two of memory that
// the server has to bring back. After this, a step finds a place for values of all the usual sizes, with pointers and
// without.
func init() {
	for size := 8; size <= largest; size += max(8, size/8) {
		bytes = make([]byte, size)
		pointers = make([]*byte, (size+pointerSize-1)/pointerSize)
	}
	bytes, pointers = nil, nil
}

const (
	largest     = 4 << 10 // of the values, in bytes
	pointerSize = 8       // in standard Go for WebAssembly
)

// What stands here is on the heap.
var (
	bytes    []byte
	pointers []*byte
)
