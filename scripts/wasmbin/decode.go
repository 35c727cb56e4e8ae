// Package wasmbin decodes WebAssembly binary modules. It is the first step in the inspection of an uploaded module,
// before a runtime reads it. The bytes are untrusted: each count is compared with the bytes that are left and with a
// limit before memory is allocated, and everything unknown is rejected. See [Decode], and [Module.Body] for the
// instructions of a function.
//
// The package accepts WebAssembly 2.0 without later proposals, and is stricter in a few places: tables never grow, and
// constant expressions have one instruction. It reads everything except the contents of custom sections, and checks
// everything except the types of the values on the stack, which the runtime validates.
package wasmbin

import (
	"bytes"
	"slices"
)

const (
	magic      = "\x00asm"
	version    = "\x01\x00\x00\x00"
	headerSize = len(magic) + len(version)
)

// Decode decodes a module. It allocates at most 32 KiB and 24 times len(b), which the caller must bound. The module
// does not refer to b.
//
// Errors are of type *[Error].
func Decode(b []byte) (*Module, error) { return decode(b, nil) }

// FunctionIndexes calls visit for each function index outside of function bodies, in the order of the module: in
// initial values, exports, the start section and element segments. It returns the same errors as [Decode], except those
// of bodies.
func FunctionIndexes(b []byte, visit func(at Range, function uint32)) error {
	_, err := decode(b, visit)
	return err
}

func decode(b []byte, visit func(Range, uint32)) (*Module, error) {
	m := new(Module)
	r := &reader{b: b, end: len(b), scope: "module", visit: visit}
	r.header()
	for last := SectionCustom; r.left() > 0; {
		m.section(r, &last)
	}
	m.checkCounts(r)
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// header reads the magic bytes and the version (WebAssembly 2.0 §5.5.16).
func (r *reader) header() {
	if n := min(r.left(), len(magic)); n == 0 || string(r.b[:n]) != magic[:n] {
		r.malformed(0, "header: expected the bytes %q, found %q", magic, r.b[:n])
		return
	}
	if r.left() < headerSize {
		r.malformed(r.end, "header: expected %d bytes, found %d", headerSize, r.left())
		return
	}
	r.pos = headerSize
	found := r.b[len(magic):headerSize]
	switch {
	case string(found) == version:
	case bytes.Equal(found[2:], []byte{1, 0}): // the component model's "layer"
		r.unsupported(len(magic), "header: expected a core module, found a component")
	default:
		r.malformed(len(magic), "header: expected version % x, found % x", version, found)
	}
}

// section reads one section. last is the previous section that is not custom.
func (m *Module) section(r *reader, last *SectionID) {
	start := r.pos
	id := SectionID(r.byte("a section"))
	r.section = id.String()
	r.checkOrder(start, id, *last)
	size := r.u32("a size")
	content := r.take("a size", size)
	r.section = ""
	if r.err != nil {
		return
	}
	if id != SectionCustom {
		*last = id
	}
	in := r.within(content, id.String(), "section")
	s := Section{ID: id, Range: Range{start, content.End}, Content: content}
	if id == SectionCustom {
		s.Name = m.readCustom(in, start)
	} else {
		m.read(in, id)
	}
	in.at("", 0)
	in.finish()
	if in.err != nil {
		r.err, r.pos = in.err, r.end
		return
	}
	m.Sections = append(m.Sections, s)
}

// checkOrder fails for unknown, repeated and misplaced sections (WebAssembly 2.0 §5.5.16).
func (r *reader) checkOrder(offset int, id, last SectionID) {
	switch {
	case r.err != nil || id == SectionCustom:
	case id == 13:
		r.unsupported(offset, "tags (exception handling) are not accepted")
	case id.order() == 0:
		r.malformed(offset, "expected an id from 0 to 12")
	case id == last:
		r.malformed(offset, "a second one, expected at most one")
	case id.order() < last.order():
		r.malformed(offset, "expected it before the %s, found it after", last)
	}
}

// read reads the content of a section.
func (m *Module) read(r *reader, id SectionID) {
	switch id {
	case SectionType:
		m.readTypes(r)
	case SectionImport:
		m.readImports(r)
	case SectionFunction:
		m.readFunctions(r)
	case SectionTable:
		m.readTables(r)
	case SectionMemory:
		m.readMemories(r)
	case SectionGlobal:
		m.readGlobals(r)
	case SectionExport:
		m.readExports(r)
	case SectionStart:
		m.readStart(r)
	case SectionElement:
		m.readElements(r)
	case SectionDataCount:
		m.readDataCount(r)
	case SectionCode:
		m.readCode(r)
	case SectionData:
		m.readData(r)
	}
}

// checkCounts checks that sections which describe the same items have the same number of them (WebAssembly 2.0
// §5.5.16).
func (m *Module) checkCounts(r *reader) {
	if r.err != nil {
		return
	}
	if len(m.Functions) != len(m.Code) {
		r.malformed(m.offset(SectionCode, r.end),
			"code section: expected %d bodies, as in the function section, found %d",
			len(m.Functions), len(m.Code))
	}
	if m.DataCount != nil && int64(*m.DataCount) != int64(m.DataSegments) {
		r.malformed(m.offset(SectionData, r.end),
			"data section: expected %d segments, as in the data count section, found %d",
			*m.DataCount, m.DataSegments)
	}
}

// offset returns the offset of a section's content, or absent if the module has no such section.
func (m *Module) offset(id SectionID, absent int) int {
	i := slices.IndexFunc(m.Sections, func(s Section) bool { return s.ID == id })
	if i < 0 {
		return absent
	}
	return m.Sections[i].Content.Start
}
