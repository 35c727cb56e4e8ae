package wasmbin

import (
	"encoding/binary"
	"slices"
)

// Custom returns the contents of the custom sections with a name, in order, without their names. b must be the bytes
// that the module was decoded from; the contents share its memory.
func (m *Module) Custom(b []byte, name string) [][]byte {
	var found [][]byte
	for _, s := range m.Sections {
		if s.ID != SectionCustom || s.Name != name {
			continue
		}
		r := &reader{b: b, pos: s.Content.Start, end: s.Content.End}
		r.name("a name")
		found = append(found, r.rest().In(b))
	}
	return found
}

// WithCustom returns a copy of a module with one custom section of that name, at its end. Sections that had the name
// are left out. b must be the bytes that m was decoded from, and name at most [MaxNameLength] bytes of UTF-8.
func (m *Module) WithCustom(b []byte, name string, content []byte) []byte {
	header := len(b)
	if len(m.Sections) > 0 {
		header = m.Sections[0].Range.Start
	}
	out := slices.Clone(b[:header])
	for _, s := range m.Sections {
		if s.ID != SectionCustom || s.Name != name {
			out = append(out, s.Range.In(b)...)
		}
	}
	section := binary.AppendUvarint(nil, uint64(len(name)))
	section = append(append(section, name...), content...)
	out = append(out, byte(SectionCustom))
	out = binary.AppendUvarint(out, uint64(len(section)))
	return append(out, section...)
}
