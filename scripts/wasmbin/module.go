package wasmbin

import (
	"fmt"
	"slices"
	"strings"
)

// Module holds the declarations in a module's sections. Slices are in the order of the module, and nil for a section
// that is absent or empty. A Module does not refer to the bytes that it was decoded from; a [Range] is a position in
// them.
type Module struct {
	Types     []FuncType
	Imports   []Import
	Functions []uint32 // type index of each defined function; imported ones precede them in the index space
	Tables    []Table  // defined ones
	Memories  []Memory // defined ones
	Globals   []Global // defined ones
	Exports   []Export // with unique names
	Start     *uint32  // index of a function of type () -> (); nil means none

	ElementSegments int     // their number
	DataSegments    int     // their number
	DataCount       *uint32 // of the data count section, equal to DataSegments; nil if there is none

	Code     []Range   // body of each defined function: its locals and instructions, without the size
	Sections []Section // all of them, including custom ones; with the 8 bytes of the header they are the whole module

	// The index spaces, imported before defined.
	functions []uint32
	tables    []Table
	memories  []Memory
	globals   []GlobalType

	importedGlobals int
	declared        []bool // by function; those with an index outside of bodies, to which ref.func may refer
	bulk            uint32 // the set of instructions with prefix 0xfc in bodies, a bit for each number below 32
	setsTable       bool   // a body has table.set
	tableElements   uint64 // sum of the initial sizes of the tables so far
	moduleLocals    int    // of the bodies so far
	customSections  int
}

// FuncType returns the signature of a function by its index, imported functions before defined ones. It returns false
// if there is no function with that index.
func (m *Module) FuncType(index uint32) (FuncType, bool) {
	if uint64(index) >= uint64(len(m.functions)) {
		return FuncType{}, false
	}
	return m.Types[m.functions[index]], true
}

// ExportNamed returns the export with the given name, false if there is none.
func (m *Module) ExportNamed(name string) (Export, bool) {
	i := slices.IndexFunc(m.Exports, func(e Export) bool { return e.Name == name })
	if i < 0 {
		return Export{}, false
	}
	return m.Exports[i], true
}

// CheckReserved returns an error if the name of an export, or of a module in an import, begins with prefix.
func (m *Module) CheckReserved(prefix string) error {
	for _, i := range m.Imports {
		if strings.HasPrefix(i.Module, prefix) {
			return fmt.Errorf("the module imports %s.%s: names that begin with %s are reserved",
				i.Module, i.Name, prefix)
		}
	}
	for _, e := range m.Exports {
		if strings.HasPrefix(e.Name, prefix) {
			return fmt.Errorf("the module exports %s: names that begin with %s are reserved", e.Name, prefix)
		}
	}
	return nil
}

// Count returns the number of imported and defined items of a kind, which is the size of its index space.
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

// Uses reports whether a function has the given instruction, which must be TableSet or one of [MemoryInit] to
// [TableFill]. It returns false for other instructions.
func (m *Module) Uses(op Opcode) bool {
	if op == TableSet {
		return m.setsTable
	}
	return op >= MemoryInit && op <= TableFill && m.bulk&(1<<(op&0xff)) != 0
}

// Import is an import. Of the last four fields, only the one of its Kind is set.
type Import struct {
	Module string // valid UTF-8, at most [MaxNameLength] bytes
	Name   string // valid UTF-8, at most [MaxNameLength] bytes; the pair may occur more than once
	Kind   Kind

	Type   uint32 // index in Types of a function's signature
	Table  Table
	Memory Memory
	Global GlobalType
}

// Export is an export.
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

// ConstExpr is a constant expression: one instruction and the end.
type ConstExpr struct {
	Opcode byte   // first byte of the instruction
	Index  uint32 // of a global (global.get) or function (ref.func); else 0
	Value  int32  // of i32.const; else 0
	Range  Range  // of the whole expression, including the end
}

// DataSegment is a data segment.
type DataSegment struct {
	Active  bool      // copied to the memory at instantiation; else only by memory.init
	Offset  ConstExpr // address in the memory if Active: an i32, read as unsigned
	Content Range
}

// Section is the position of a section in the module.
type Section struct {
	ID      SectionID
	Name    string // of a custom section; else empty
	Range   Range  // of the whole section, including its id and size
	Content Range  // without id and size; it includes the name of a custom section
}

// Range is a part of a module's bytes: the offsets of its first byte, and of the byte after its last.
type Range struct {
	Start, End int
}

// In returns the range of b, the bytes that the module was decoded from. The result shares memory with b; its capacity
// is its length.
func (g Range) In(b []byte) []byte { return b[g.Start:g.End:g.End] }

// Len returns the number of bytes.
func (g Range) Len() int { return g.End - g.Start }
