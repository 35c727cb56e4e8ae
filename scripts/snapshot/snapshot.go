// Package snapshot has instances of a module begin where another instance stood when it was initialized, so that what a
// module does before its first step is done once.
//
// [Prepare] takes the data out of a module and gives it exports through which a host can save and set its globals. The
// host instantiates what is left, on a memory that holds [Layout.Content], and runs _initialize. If the layout is
// complete, then the memory and the globals of that instance are all that tells it from a new one, and a new one that is
// given them is where that one is. [Generators] finds what must not be the same in both: their random numbers.
package snapshot

import (
	"encoding/binary"
	"fmt"
	"slices"

	"registrar/scripts/wasmbin"
)

// Reserved begins the names of the exports that are added. A module may not use it.
const Reserved = "registrar_snapshot"

// maxGlobals bounds the globals that are worth setting in each instance. Compilers have a few.
const maxGlobals = 256

// headerSize is the size of a module's magic number and version, in bytes.
const headerSize = 8

// A Layout is what the host has to know of a module that was prepared.
type Layout struct {
	// InModule is set where the data is left in the module, which may copy it by itself. Then nothing else is.
	InModule bool
	// Content is what is in the memory of a new instance, as far as there is data. After it come zeros.
	Content []byte
	// Globals are the names of the exported globals that may change, the module's own ones. None is a vector or a reference.
	Globals []string
	// Complete is set where an instance has no other state: a module may change its tables or drop its segments, and have
	// globals that a host cannot set. Else the globals are of no use.
	Complete bool
}

// Prepare returns a module that begins with what the layout says. m was decoded from wasm, and module is the same module
// with the same globals and data, without custom sections, and with functions and exports added at will.
//
// It fails if a data segment does not fit the memory, or the module uses a reserved name.
func Prepare(module, wasm []byte, m *wasmbin.Module) ([]byte, Layout, error) {
	if err := m.CheckReserved(Reserved); err != nil {
		return nil, Layout{}, err
	}
	if m.Uses(wasmbin.MemoryInit) || m.Uses(wasmbin.DataDrop) {
		return module, Layout{InModule: true}, nil
	}
	content, err := contentOf(wasm, m)
	if err != nil {
		return nil, Layout{}, err
	}
	l := Layout{Content: content, Complete: !changesTables(m)}
	exports := l.addGlobals(m)
	return edit(module, exports, len(l.Globals)), l, nil
}

// contentOf copies the data to where instantiation would (WebAssembly 2.0 §4.5.4).
func contentOf(wasm []byte, m *wasmbin.Module) ([]byte, error) {
	var size uint64
	for _, memory := range m.Memories {
		size = uint64(memory.Limits.Min) * wasmbin.PageSize
	}
	var content []byte
	for d := range m.Data(wasm) {
		if !d.Active {
			continue
		}
		if d.Offset.Opcode != byte(wasmbin.I32Const) {
			return nil, fmt.Errorf("a data segment begins at a global: only constants are accepted")
		}
		start := uint64(uint32(d.Offset.Value))
		end := start + uint64(d.Content.Len())
		if end > size {
			return nil, fmt.Errorf("a data segment ends at %d, but the memory has %d bytes", end, size)
		}
		if grown := int(end) - len(content); grown > 0 {
			content = append(content, make([]byte, grown)...)
		}
		copy(content[start:], d.Content.In(wasm))
	}
	return slices.Clip(content), nil
}

func changesTables(m *wasmbin.Module) bool {
	return slices.ContainsFunc([]wasmbin.Opcode{wasmbin.TableSet, wasmbin.TableInit, wasmbin.TableCopy, wasmbin.TableFill}, m.Uses)
}

// addGlobals names the module's globals that may change and returns their exports.
func (l *Layout) addGlobals(m *wasmbin.Module) (exports []byte) {
	imported := m.Count(wasmbin.KindGlobal) - len(m.Globals)
	for i, g := range m.Globals {
		if !g.Type.Mutable {
			continue
		}
		switch g.Type.Value {
		case wasmbin.I32, wasmbin.I64, wasmbin.F32, wasmbin.F64:
		default:
			l.Complete = false
			continue
		}
		if len(l.Globals) == maxGlobals {
			l.Complete = false
			break
		}
		name := fmt.Sprintf("%s.global.%d", Reserved, i)
		l.Globals = append(l.Globals, name)
		exports = binary.AppendUvarint(exports, uint64(len(name)))
		exports = append(exports, name...)
		exports = append(exports, byte(wasmbin.KindGlobal))
		exports = binary.AppendUvarint(exports, uint64(imported+i))
	}
	return exports
}

// edit copies a module without its data and with n more exports. Integers in unsigned LEB128 are what package binary calls
// varints.
func edit(module, exports []byte, n int) []byte {
	out := make([]byte, 0, len(module)+len(exports)+headerSize)
	out = append(out, module[:headerSize]...)
	for at := headerSize; at < len(module); {
		id := wasmbin.SectionID(module[at])
		size, width := binary.Uvarint(module[at+1:])
		start := at + 1 + width
		end := start + int(size)
		switch id {
		case wasmbin.SectionData, wasmbin.SectionDataCount:
		case wasmbin.SectionExport:
			count, width := binary.Uvarint(module[start:end])
			content := binary.AppendUvarint(nil, count+uint64(n))
			content = append(content, module[start+width:end]...)
			content = append(content, exports...)
			out = append(out, byte(id))
			out = binary.AppendUvarint(out, uint64(len(content)))
			out = append(out, content...)
		default:
			out = append(out, module[at:end]...)
		}
		at = end
	}
	return slices.Clip(out)
}
