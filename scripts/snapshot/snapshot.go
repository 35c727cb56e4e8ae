// Package snapshot lets instances of a module begin with the state of an initialized instance, so that initialization
// runs only once.
//
// [Prepare] removes the data from a module and exports its globals, so that a host can read and set them. The host
// instantiates the prepared module with a memory that holds [Layout.Content], and runs _initialize. If the layout is
// complete, the memory and the globals are the whole state of the instance. A new instance with the same memory and
// globals is then initialized too, except that both would draw the same random numbers: [Find] finds the [Generators]
// that need another seed.
package snapshot

import (
	"encoding/binary"
	"fmt"
	"slices"

	"registrar/scripts/wasmbin"
)

// Reserved is the prefix of the added exports. Names in a module must not begin with it.
const Reserved = "registrar_snapshot"

// maxGlobals bounds the exported globals. Compilers generate a few.
const maxGlobals = 256

// headerSize is the size of a module's magic number and version, in bytes.
const headerSize = 8

// A Layout describes the state of a prepared module's instances.
type Layout struct {
	// InModule reports that the data stays in the module, because its code refers to data segments. All other fields
	// are zero then.
	InModule bool
	// Content is the initial content of the memory. Zeros follow it.
	Content []byte
	// Globals are the export names of the module's mutable globals, except vectors and references.
	Globals []string
	// Complete reports that the memory and Globals are the whole state of an instance. It is false if the module may
	// change its tables, or has mutable globals that are not in Globals. Globals are of no use then.
	Complete bool
}

// Prepare returns module without its data and with its globals exported, and the layout. m is the result of decoding
// wasm. module must have the same globals and data as wasm and no custom sections; it may have other functions and
// exports.
//
// Prepare fails if a data segment does not fit into the memory, or if the module uses a name that begins with
// [Reserved].
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

// contentOf returns the content of the memory after instantiation (WebAssembly 2.0 §4.5.4).
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
	changing := []wasmbin.Opcode{wasmbin.TableSet, wasmbin.TableInit, wasmbin.TableCopy, wasmbin.TableFill}
	return slices.ContainsFunc(changing, m.Uses)
}

// addGlobals adds the module's mutable globals to l and returns the content of their exports.
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

// edit returns a module without its data and with n more exports. Unsigned LEB128 integers are the uvarints of package
// binary.
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
