package wasmbin

import (
	"fmt"
	"slices"
	"strings"
)

// Module is what the sections of a module declare. Slices of it are in the module's order, and nil for a section that
// is absent or empty. Nothing in it refers to the bytes that it was decoded from; a [Range] is a place in them.
type Module struct {
	Types     []FuncType
	Imports   []Import
	Functions []uint32 // type index of each defined function; imported ones come before them in the index space
	Tables    []Table  // defined ones
	Memories  []Memory // defined ones
	Globals   []Global // defined ones
	Exports   []Export // no two of one name
	Start     *uint32  // index of a function of type () -> (); nil means none

	ElementSegments int     // how many
	DataSegments    int     // how many
	DataCount       *uint32 // what the data count section says, equal to DataSegments; nil means that there is none

	Code     []Range   // body of each defined function: its locals and instructions, without the size before them
	Sections []Section // all of them, custom ones included; after the 8 bytes of the header they fill the module

	// The index spaces, imported before defined.
	functions []uint32
	tables    []Table
	memories  []Memory
	globals   []GlobalType

	importedGlobals int
	declared        []bool // by function: it is named outside of bodies, so that ref.func may name it there
	bulk            uint32 // the instructions of prefix 0xfc and a number below 32 that bodies have, each a bit
	setsTable       bool   // a body has table.set
	tableElements   uint64 // of the tables so far, at their minimum
	moduleLocals    int    // of the bodies so far
	customSections  int
}

// FuncType is the signature of a function by its index, imported functions before defined ones. It is false for an
// index that no function has.
func (m *Module) FuncType(index uint32) (FuncType, bool) {
	if uint64(index) >= uint64(len(m.functions)) {
		return FuncType{}, false
	}
	return m.Types[m.functions[index]], true
}

// ExportNamed is the export of that name; false if there is none.
func (m *Module) ExportNamed(name string) (Export, bool) {
	i := slices.IndexFunc(m.Exports, func(e Export) bool { return e.Name == name })
	if i < 0 {
		return Export{}, false
	}
	return m.Exports[i], true
}

// CheckReserved returns an error if the module imports from a module, or exports something, whose name begins with prefix.
func (m *Module) CheckReserved(prefix string) error {
	for _, i := range m.Imports {
		if strings.HasPrefix(i.Module, prefix) {
			return fmt.Errorf("the module imports %s.%s: names that begin with %s are reserved", i.Module, i.Name, prefix)
		}
	}
	for _, e := range m.Exports {
		if strings.HasPrefix(e.Name, prefix) {
			return fmt.Errorf("the module exports %s: names that begin with %s are reserved", e.Name, prefix)
		}
	}
	return nil
}

// Count is how many functions, tables, memories or globals there are, imported and defined: the size of that kind's
// index space.
func (m *Module) Count(k Kind) int {
	switch k {
	case KindFunction:
		return len(m.functions)
	case KindTable:
		return len(m.tables)
	case KindMemory:
		return len(m.memories)
	case KindGlobal:
		return len(m.globals)
	}
	return 0
}

// Uses tells whether a function has this instruction: TableSet, or one of [MemoryInit] to [TableFill]. It is false for
// any other.
func (m *Module) Uses(op Opcode) bool {
	if op == TableSet {
		return m.setsTable
	}
	return op >= MemoryInit && op <= TableFill && m.bulk&(1<<(op&0xff)) != 0
}

// Import is what the module needs from outside. Of the last four fields, the one of its Kind is set.
type Import struct {
	Module string // valid UTF-8, at most [MaxNameLength] bytes
	Name   string // likewise; the pair need not be unique
	Kind   Kind

	Type   uint32 // index in Types of a function's signature
	Table  Table
	Memory Memory
	Global GlobalType
}

// Export is what the module offers by name.
type Export struct {
	Name  string // valid UTF-8, at most [MaxNameLength] bytes
	Kind  Kind
	Index uint32 // in the index space of its Kind; always within it
}

// Global is a defined global.
type Global struct {
	Type GlobalType
	Init ConstExpr // of the type's Value
}

// ConstExpr is a constant expression of one instruction and its end.
type ConstExpr struct {
	Opcode byte   // first byte of the instruction
	Index  uint32 // of a global (global.get) or function (ref.func); else 0
	Value  int32  // of i32.const; else 0
	Range  Range  // the whole expression, the end included
}

// DataSegment is bytes for the memory.
type DataSegment struct {
	Active  bool      // the bytes are copied at instantiation; else memory.init does so
	Offset  ConstExpr // where to, if Active: an i32, which counts as unsigned
	Content Range
}

// Section is a section's place in the module.
type Section struct {
	ID      SectionID
	Name    string // of a custom section; else empty
	Range   Range  // all of it, its id and size included
	Content Range  // what its size counts; for a custom section, its name included
}

// Range is a part of a module's bytes, from Start to before End, in bytes from the module's first.
type Range struct {
	Start, End int
}

// In is that part of b, the bytes that the module was decoded from. It shares their memory, and cannot grow into it.
func (g Range) In(b []byte) []byte { return b[g.Start:g.End:g.End] }

// Len is the number of bytes.
func (g Range) Len() int { return g.End - g.Start }
