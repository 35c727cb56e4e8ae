package memory

import (
	"bytes"
	"slices"

	"github.com/tetratelabs/wazero/experimental"

	"registrar/scripts/wasmbin"
)

// minMapped is the minimum size of an image that is mapped, in bytes. Copying a smaller one takes less time.
const minMapped = 4 * wasmbin.PageSize

// An Image is the initial content of instances' memories. If the system supports it, each memory is a private mapping
// of one file, and only the pages that the instance writes to are copied.
type Image struct {
	buffers *Buffers
	content []byte // without the zeros that follow
	file    *file  // nil if the content is copied
}

// NewImage returns an image with a copy of content, followed by zeros. A mapped memory may grow to limit bytes.
// Memories that are not mapped come from buffers.
func NewImage(content []byte, limit int, buffers *Buffers) *Image {
	if len(content) >= minMapped {
		if f, err := newFile(content, limit); err == nil {
			return &Image{buffers: buffers, content: f.content, file: f}
		} // else the system does not support memory files, or has reached a limit
	}
	return &Image{buffers: buffers, content: slices.Clone(content)}
}

// A Memory is the linear memory of an instance. It begins with an image.
type Memory interface {
	experimental.LinearMemory
	// Reset restores the image in all of the memory that was in use, and returns the number of bytes that it copied. If
	// it returns an error, the memory must be freed.
	Reset() (copied int, err error)
}

// New returns a memory of size 0. Reallocate sets its initial size.
func (i *Image) New() Memory {
	if i.file != nil {
		if m, err := i.file.take(); err == nil {
			return m
		} // else the system has reached a limit of mappings
	}
	return &copied{buffered: buffered{from: i.buffers}, content: i.content}
}

// Close frees the image. All memories must have been freed, and New must not be called again. Closing a nil Image does
// nothing.
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

// A copied is a memory in a buffer that begins with a copy of the image.
type copied struct {
	buffered
	content []byte
	copied  int // bytes of content that are in the buffer
}

// Reallocate implements [experimental.LinearMemory]. It copies as much of the content as fits, and the rest when the
// memory grows.
func (c *copied) Reallocate(size uint64) []byte {
	b := c.buffered.Reallocate(size)
	c.copied += copy(b[min(c.copied, len(b)):], c.content[c.copied:])
	return b
}

var zeros [4 << 10]byte

// Reset implements [Memory]. It looks for bytes other than zero instead of clearing everything, because most of the
// memory is still zero and reading takes less time than writing.
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
