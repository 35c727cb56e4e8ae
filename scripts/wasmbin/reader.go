package wasmbin

import (
	"fmt"
	"unicode/utf8"
)

// Error says where and why a module is rejected, for its author.
type Error struct {
	Offset  int    // in bytes from the begin of the module; its size if something is missing at the end
	Message string // such as "import section: count 4294967295 but only 3 bytes are left"

	// Unsupported reports that the module may be valid, but uses a proposal after WebAssembly 2.0 or exceeds a limit.
	// Otherwise it is malformed.
	Unsupported bool
}

// Error returns the message and the offset.
func (e *Error) Error() string { return fmt.Sprintf("%s, at offset %d", e.Message, e.Offset) }

// A reader reads a part of a module and never beyond it. After the first failure, err is set, no bytes are left, and
// all reads return zero. A decoder can thus read the fields of an item one after the other, and check err before it
// uses them. Parameters named what describe the expected bytes in messages.
type reader struct {
	b     []byte // the whole module, so that positions are offsets in it
	pos   int
	end   int    // of the part; at most len(b)
	scope string // the part, such as "section"
	err   *Error

	// The current position, for messages.
	section string // such as "import section"
	item    string // such as "import"; empty means none
	number  int    // of the item, from 0; in its index space, if it has one
	opcode  Opcode // of the instruction, if inBody
	inBody  bool

	visit func(at Range, function uint32) // called for function indices outside of bodies; if set, bodies are skipped
}

// within returns a reader of a part of the same module.
func (r *reader) within(g Range, section, scope string) *reader {
	return &reader{b: r.b, pos: g.Start, end: g.End, scope: scope, section: section, visit: r.visit}
}

// at sets the current item.
func (r *reader) at(item string, number int) { r.item, r.number = item, number }

// malformed fails because the module is malformed at an offset.
func (r *reader) malformed(offset int, format string, args ...any) {
	r.fail(&Error{Offset: offset, Message: fmt.Sprintf(format, args...)})
}

// unsupported fails because something at an offset is not accepted.
func (r *reader) unsupported(offset int, format string, args ...any) {
	r.fail(&Error{Offset: offset, Message: fmt.Sprintf(format, args...), Unsupported: true})
}

func (r *reader) fail(err *Error) {
	r.pos = r.end
	if r.err != nil {
		return
	}
	if r.inBody {
		err.Message = r.opcode.String() + ": " + err.Message
	}
	if r.item != "" {
		err.Message = fmt.Sprintf("%s %d: %s", r.item, r.number, err.Message)
	}
	if r.section != "" {
		err.Message = r.section + ": " + err.Message
	}
	r.err = err
}

// left returns the number of bytes that are left.
func (r *reader) left() int { return r.end - r.pos }

// rest skips all bytes that are left and returns their range.
func (r *reader) rest() Range {
	g := Range{r.pos, r.end}
	r.pos = r.end
	return g
}

// finish fails if any byte is left.
func (r *reader) finish() {
	if n := r.left(); n > 0 {
		r.malformed(r.pos, "%d bytes follow the last item, expected the end of the %s", n, r.scope)
	}
}

func (r *reader) byte(what string) byte {
	if r.pos >= r.end {
		r.malformed(r.end, "expected %s, found the end of the %s", what, r.scope)
		return 0
	}
	b := r.b[r.pos]
	r.pos++
	return b
}

// bytes reads n bytes. They share the module's memory.
func (r *reader) bytes(what string, n uint32) []byte {
	g := r.take(what, n)
	return g.In(r.b)
}

// take reads n bytes and returns their range.
func (r *reader) take(what string, n uint32) Range {
	if uint64(n) > uint64(r.left()) {
		r.malformed(r.pos, "%s of %d bytes, but only %d bytes are left", what, n, r.left())
		return Range{r.end, r.end}
	}
	g := Range{r.pos, r.pos + int(n)}
	r.pos = g.End
	return g
}

// name reads a name (WebAssembly 2.0 §5.2.4) of at most [MaxNameLength] bytes.
func (r *reader) name(what string) string {
	offset := r.pos
	n := r.u32(what)
	b := r.bytes(what, n)
	switch {
	case r.err != nil:
	case n > MaxNameLength:
		r.unsupported(offset, "%s of %d bytes is over the limit of %d", what, n, MaxNameLength)
	case !utf8.Valid(b):
		r.malformed(offset, "%s is not UTF-8: %q", what, b[:min(len(b), 40)])
	default:
		return string(b)
	}
	return ""
}

// count reads the number of items of a vector (WebAssembly 2.0 §5.1.3). It fails if so many items of at least itemSize
// bytes do not fit into the bytes that are left, or if there are more than limit together with the existing ones. It is
// thus safe to allocate memory for the items.
func (r *reader) count(itemSize, existing, limit int) int {
	offset := r.pos
	n := r.u32("a count")
	switch {
	case r.err != nil:
		return 0
	case uint64(n)*uint64(itemSize) > uint64(r.left()):
		each := ""
		if itemSize > 1 {
			each = fmt.Sprintf(", of at least %d bytes each,", itemSize)
		}
		r.malformed(offset, "count %d%s but only %d bytes are left", n, each, r.left())
		return 0
	case uint64(n)+uint64(existing) > uint64(limit):
		imported := ""
		if existing > 0 {
			imported = fmt.Sprintf(", with %d imported,", existing)
		}
		r.unsupported(offset, "count %d%s is over the limit of %d", n, imported, limit)
		return 0
	}
	return int(n)
}

func (r *reader) u32(what string) uint32 {
	if r.pos < r.end && r.b[r.pos] < 0x80 { // nearly all have one byte
		r.pos++
		return uint32(r.b[r.pos-1])
	}
	return uint32(r.unsigned(what, 32))
}

func (r *reader) u64(what string) uint64 { return r.unsigned(what, 64) }
func (r *reader) s32(what string) int32  { return int32(r.signed(what, 32)) }
func (r *reader) s64(what string) int64  { return r.signed(what, 64) }

// s33 reads a block type that is a type index: 32 bits, and a sign that distinguishes it from a value type.
func (r *reader) s33(what string) int64 { return r.signed(what, 33) }

// unsigned reads an unsigned LEB128 integer (WebAssembly 2.0 §5.2.2). It has at most ⌈bits/7⌉ bytes, and the unused
// bits of the last byte are zero. It need not be in the shortest form.
func (r *reader) unsigned(what string, bits int) uint64 {
	offset := r.pos
	var value uint64
	for shift := 0; ; shift += 7 {
		b := r.byte(what)
		unread := bits - shift
		switch {
		case r.err != nil:
			return 0
		case unread <= 7 && b&0x80 != 0:
			r.tooLong(offset, what, bits)
			return 0
		case unread < 7 && b>>unread != 0:
			r.tooLarge(offset, what, bits)
			return 0
		}
		value |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			return value
		}
	}
}

// signed reads a signed LEB128 integer. It is like unsigned, except that the unused bits repeat the sign.
func (r *reader) signed(what string, bits int) int64 {
	offset := r.pos
	var value int64
	for shift := 0; ; shift += 7 {
		b := r.byte(what)
		unread := bits - shift
		extended := int64(int8(b<<1) >> 1) // its seven bits, with their sign
		switch {
		case r.err != nil:
			return 0
		case unread <= 7 && b&0x80 != 0:
			r.tooLong(offset, what, bits)
			return 0
		case unread < 7 && extended>>(unread-1) != 0 && extended>>(unread-1) != -1:
			r.tooLarge(offset, what, bits)
			return 0
		}
		if b&0x80 == 0 {
			return value | extended<<shift
		}
		value |= int64(b&0x7f) << shift
	}
}

func (r *reader) tooLong(offset int, what string, bits int) {
	r.malformed(offset, "expected %s in at most %d bytes, found a longer integer", what, (bits+6)/7)
}

func (r *reader) tooLarge(offset int, what string, bits int) {
	r.malformed(offset, "expected %s of %d bits, found a larger integer", what, bits)
}
