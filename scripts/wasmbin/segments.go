package wasmbin

import "iter"

// Flags of element and data segments (WebAssembly 2.0 §5.5.12 and §5.5.14).
const (
	flagNotActive   = 1 // passive, or declarative with flagIndex
	flagIndex       = 2 // has the index of the table or memory; without it, the index is 0
	flagExpressions = 4 // elements are constant expressions; without it, they are function indices
	elementFlags    = flagNotActive | flagIndex | flagExpressions
)

func (m *Module) readElements(r *reader) {
	// The smallest segment has flags, a type and an empty vector.
	n := r.count(3, 0, MaxElementSegments)
	for i := range n {
		r.at("element segment", i)
		m.readElement(r)
		if r.err != nil {
			return
		}
		m.ElementSegments++
	}
}

func (m *Module) readElement(r *reader) {
	offset := r.pos
	flags := r.u32("flags")
	if flags > elementFlags {
		r.malformed(offset, "expected flags from 0 to %d, found %d", elementFlags, flags)
		return
	}
	if flags&flagNotActive == 0 {
		offset := r.pos
		table := uint32(0)
		if flags&flagIndex != 0 {
			table = r.u32("a table index")
		}
		if r.err == nil && uint64(table) >= uint64(len(m.tables)) {
			r.malformed(offset, "expected a table index below %d, found %d", len(m.tables), table)
			return
		}
		m.constExpr(r, I32)
	}
	if flags&flagExpressions != 0 {
		m.readExpressions(r, flags)
		return
	}
	if flags&(flagNotActive|flagIndex) != 0 {
		offset := r.pos
		if kind := r.byte("an element kind"); r.err == nil && kind != 0 {
			r.malformed(offset, "expected the element kind 0, found 0x%02x", kind)
		}
	}
	for range r.count(1, 0, MaxFunctions) {
		m.functionIndex(r)
	}
}

func (m *Module) readExpressions(r *reader, flags uint32) {
	of := FuncRef
	if flags&(flagNotActive|flagIndex) != 0 {
		of = r.refType()
	}
	for range r.count(3, 0, MaxFunctions) {
		m.constExpr(r, of)
		if r.err != nil {
			return
		}
	}
}

func (m *Module) readData(r *reader) {
	// The smallest segment has flags and an empty content.
	n := r.count(2, 0, MaxDataSegments)
	for i := range n {
		r.at("data segment", i)
		m.readDatum(r)
		if r.err != nil {
			return
		}
		m.DataSegments++
	}
}

// Data returns the data segments in order. b must be the bytes that the module was decoded from.
func (m *Module) Data(b []byte) iter.Seq[DataSegment] {
	return func(yield func(DataSegment) bool) {
		for _, s := range m.Sections {
			if s.ID != SectionData {
				continue
			}
			r := &reader{b: b, pos: s.Content.Start, end: s.Content.End}
			for range r.u32("a count") {
				if d := m.readDatum(r); r.err != nil || !yield(d) {
					return
				}
			}
		}
	}
}

func (m *Module) readDatum(r *reader) DataSegment {
	offset := r.pos
	flags := r.u32("flags")
	if flags > flagIndex {
		r.malformed(offset, "expected flags from 0 to %d, found %d", flagIndex, flags)
		return DataSegment{}
	}
	d := DataSegment{Active: flags&flagNotActive == 0}
	if d.Active {
		offset := r.pos
		memory := uint32(0)
		if flags&flagIndex != 0 {
			memory = r.u32("a memory index")
		}
		if r.err == nil && uint64(memory) >= uint64(len(m.memories)) {
			r.malformed(offset, "expected a memory index below %d, found %d", len(m.memories), memory)
			return DataSegment{}
		}
		d.Offset = m.constExpr(r, I32)
	}
	d.Content = r.take("a segment", r.u32("a size"))
	return d
}
