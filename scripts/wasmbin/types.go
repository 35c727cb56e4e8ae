package wasmbin

import (
	"fmt"
	"strings"
)

// PageSize is the size of a page of linear memory, in bytes (WebAssembly 2.0 §4.2.8).
const PageSize = 64 << 10

// ValueType is the type of a parameter, result, local or global, by its byte (WebAssembly 2.0 §5.3.4).
type ValueType byte

// The value types of WebAssembly 2.0.
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	V128      ValueType = 0x7b
	FuncRef   ValueType = 0x70
	ExternRef ValueType = 0x6f
)

// String returns the type's name in the text format.
func (t ValueType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	}
	return fmt.Sprintf("value type 0x%02x", byte(t))
}

// FuncType is the signature of a function.
type FuncType struct {
	Params  []ValueType // at most [MaxParams]
	Results []ValueType // at most [MaxResults]
}

// String returns the signature in the form (i32, i32) -> (i64). Different signatures have different strings.
func (t FuncType) String() string {
	var s strings.Builder
	writeTypes(&s, t.Params)
	s.WriteString(" -> ")
	writeTypes(&s, t.Results)
	return s.String()
}

func writeTypes(s *strings.Builder, types []ValueType) {
	s.WriteByte('(')
	for i, t := range types {
		if i > 0 {
			s.WriteString(", ")
		}
		s.WriteString(t.String())
	}
	s.WriteByte(')')
}

// Limits are the size of a table, in elements, or of a memory, in 64 KiB pages.
type Limits struct {
	Min    uint32 // the initial size
	Max    uint32 // the maximum size, at least Min; 0 unless HasMax
	HasMax bool
}

// Table is the type of a table.
type Table struct {
	Element ValueType // FuncRef or ExternRef
	Limits  Limits    // in elements
}

// Memory is the type of a memory with 32-bit addresses that is not shared. Others are not accepted.
type Memory struct {
	Limits Limits // in pages of [PageSize], at most [MaxMemoryPages]
}

// GlobalType is the type of a global.
type GlobalType struct {
	Value   ValueType
	Mutable bool
}

// Kind is the kind of an import or export.
type Kind byte

// The kinds, by their bytes (WebAssembly 2.0 §5.5.5).
const (
	KindFunction Kind = 0
	KindTable    Kind = 1
	KindMemory   Kind = 2
	KindGlobal   Kind = 3
)

// String returns the kind in words, such as "function".
func (k Kind) String() string {
	switch k {
	case KindFunction:
		return "function"
	case KindTable:
		return "table"
	case KindMemory:
		return "memory"
	case KindGlobal:
		return "global"
	}
	return fmt.Sprintf("kind 0x%02x", byte(k))
}

// SectionID identifies the type of a section (WebAssembly 2.0 §5.5.2).
type SectionID byte

// The sections of WebAssembly 2.0.
const (
	SectionCustom    SectionID = 0
	SectionType      SectionID = 1
	SectionImport    SectionID = 2
	SectionFunction  SectionID = 3
	SectionTable     SectionID = 4
	SectionMemory    SectionID = 5
	SectionGlobal    SectionID = 6
	SectionExport    SectionID = 7
	SectionStart     SectionID = 8
	SectionElement   SectionID = 9
	SectionCode      SectionID = 10
	SectionData      SectionID = 11
	SectionDataCount SectionID = 12
)

// String returns the section's name, such as "import section".
func (id SectionID) String() string {
	names := [...]string{"custom", "type", "import", "function", "table", "memory", "global", "export", "start",
		"element", "code", "data", "data count"}
	if int(id) < len(names) {
		return names[id] + " section"
	}
	return fmt.Sprintf("section %d", byte(id))
}

// order returns the position of a section among the others, from 1 (WebAssembly 2.0 §5.5.16). It follows the ids,
// except that the data count precedes the code. It is 0 for custom sections, which may be anywhere, and for unknown
// ids.
func (id SectionID) order() int {
	switch {
	case id <= SectionElement:
		return int(id)
	case id == SectionDataCount:
		return int(SectionElement) + 1
	case id <= SectionData:
		return int(id) + 1
	}
	return 0
}
