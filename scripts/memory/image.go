package memory

import (
	"bytes"
	"slices"

	"github.com/tetratelabs/wazero/experimental"

	"registrar/scripts/wasmbin"
)

// minMapped is the smallest image that is mapped, in bytes: what is less is copied before the kernel has answered.
const minMapped = 4 * wasmbin.PageSize

// An Image is what the memory of instances holds when they begin. They share it until they write to it: where the system
// can, the memory of each is a private mapping of one file, and only the pages that it writes to are copied.
type Image struct {
	buffers *Buffers
	content []byte // all of it that is not zero
	file    *file  // that is mapped; nil where the content is copied
}

// NewImage returns an image with this content, which is copied, and zeros after it. A memory that begins with it may grow
// to limit bytes. What is not mapped comes from the buffers.
func NewImage(content []byte, limit int, buffers *Buffers) *Image {
	if len(content) >= minMapped {
		if f, err := newFile(content, limit); err == nil {
			return &Image{buffers: buffers, content: f.content, file: f}
		} // else the system has no such files, or no room for one more
	}
	return &Image{buffers: buffers, content: slices.Clone(content)}
}

// A Memory is that of one instance at a time. It begins with an image.
type Memory interface {
	experimental.LinearMemory
	// Reset brings the image back, into all of the memory that was ever in use, and returns how many bytes it copied. It
	// fails where the system does not let it.
	Reset() (copied int, err error)
}

// New returns a memory, without its first pages yet.
func (i *Image) New() Memory {
	if i.file != nil {
		if m, err := i.file.take(); err == nil {
			return m
		} // else there are too many mappings
	}
	return &copied{buffered: buffered{from: i.buffers}, content: i.content}
}

// Close lets go of the image. Nothing may be allocated from it any more, and what was must be freed. A nil image is closed.
func (i *Image) Close() error {
	if i == nil {
		return nil
	}
	i.content = nil
	if i.file == nil {
		return nil
	}
	return i.file.close()
}

// copied is memory from a buffer that begins with a copy of the image.
type copied struct {
	buffered
	content []byte
	copied  int // bytes of the content that are in place
}

// Reallocate implements [experimental.LinearMemory]. What does not fit yet is copied when the memory has grown.
func (c *copied) Reallocate(size uint64) []byte {
	b := c.buffered.Reallocate(size)
	c.copied += copy(b[min(c.copied, len(b)):], c.content[c.copied:])
	return b
}

// zeros is a piece of memory as it was before it was in use.
var zeros [4 << 10]byte

// Reset implements [Memory]. Most of what is in use was left alone, and to look takes less time than to clear it.
func (c *copied) Reset() (int, error) {
	for rest := c.buffer[c.copied:c.used]; len(rest) > 0; {
		piece := rest[:min(len(rest), len(zeros))]
		if !bytes.Equal(piece, zeros[:len(piece)]) {
			clear(piece)
		}
		rest = rest[len(piece):]
	}
	copy(c.buffer, c.content[:c.copied])
	return c.used, nil
}
