package metering

import (
	"fmt"
	"slices"

	"registrar/scripts/wasmbin"
)

// A rewriter holds what the parts of one rewriting share. What it adds to an index space comes after all that is there,
// but for the imported function, which comes after the imported ones.
type rewriter struct {
	wasm []byte
	m    *wasmbin.Module

	imported uint32 // functions, the event apart: its index
	fuel     uint32 // global
	calls    uint32 // global
	lines    uint32 // function: pays for bytes, its parameter and result
	elements uint32 // function: pays for table elements, its parameter and result
	grow     uint32 // function: memory.grow, paid for
	mutable  int    // the module's own globals that may change

	indexes []index
	leaves  []bool // by defined function: it calls no other
}

// An index is a function index outside of bodies.
type index struct {
	at       wasmbin.Range
	function uint32
}

func newRewriter(wasm []byte, m *wasmbin.Module) *rewriter {
	functions := uint32(m.Count(wasmbin.KindFunction))
	globals := uint32(m.Count(wasmbin.KindGlobal))
	r := &rewriter{
		wasm: wasm, m: m,
		imported: functions - uint32(len(m.Functions)),
		fuel:     globals, calls: globals + 1,
		lines: functions + 1, elements: functions + 2, grow: functions + 3,
	}
	for _, i := range m.Imports {
		if i.Kind == wasmbin.KindGlobal && i.Global.Mutable {
			r.mutable++
		}
	}
	for _, g := range m.Globals {
		if g.Type.Mutable {
			r.mutable++
		}
	}
	return r
}

// function is the new index of a function.
func (r *rewriter) function(old uint32) uint32 {
	if old < r.imported {
		return old
	}
	return old + 1
}

func (r *rewriter) note(at wasmbin.Range, function uint32) {
	r.indexes = append(r.indexes, index{at, function})
}

// scan finds the functions that call no other.
func (r *rewriter) scan() error {
	r.leaves = make([]bool, len(r.m.Functions))
	var i wasmbin.Instruction
	for f := range r.leaves {
		r.leaves[f] = true
		body := r.m.Body(r.wasm, f)
		for body.Next(&i) {
			if i.Opcode == wasmbin.Call || i.Opcode == wasmbin.CallIndirect {
				r.leaves[f] = false
			}
		}
		if err := body.Err(); err != nil {
			return fmt.Errorf("looking for calls: %w", err)
		}
	}
	return nil
}

// callsNone tells, by its old index, whether a function calls no other. Of imported ones that is not known.
func (r *rewriter) callsNone(old uint32) bool {
	return old >= r.imported && r.leaves[old-r.imported]
}

// module puts the sections together, in their order (WebAssembly 2.0 §5.5.16).
func (r *rewriter) module() ([]byte, error) {
	var old [wasmbin.SectionDataCount + 1]wasmbin.Range
	for _, s := range r.m.Sections {
		old[s.ID] = s.Content
	}
	out := make([]byte, 0, 2*len(r.wasm)+MaxOverhead)
	out = append(out, r.wasm[:8]...)
	for _, id := range []wasmbin.SectionID{
		wasmbin.SectionType, wasmbin.SectionImport, wasmbin.SectionFunction, wasmbin.SectionTable, wasmbin.SectionMemory,
		wasmbin.SectionGlobal, wasmbin.SectionExport, wasmbin.SectionStart, wasmbin.SectionElement,
		wasmbin.SectionDataCount, wasmbin.SectionCode, wasmbin.SectionData,
	} {
		content, err := r.section(id, old[id])
		if err != nil {
			return nil, err
		}
		if len(content) == 0 {
			continue
		}
		out = append(out, byte(id))
		out = appendUnsigned(out, uint32(len(content)))
		out = append(out, content...)
	}
	return slices.Clip(out), nil
}

// section is the new content of a section; empty means that there is none.
func (r *rewriter) section(id wasmbin.SectionID, old wasmbin.Range) ([]byte, error) {
	switch id {
	case wasmbin.SectionType:
		return r.extend(old, 2, []byte(addedTypes)), nil
	case wasmbin.SectionImport:
		event := appendName(appendName(nil, EventModule), EventName)
		event = append(event, byte(wasmbin.KindFunction))
		return r.extend(old, 1, appendUnsigned(event, r.eventType())), nil
	case wasmbin.SectionFunction:
		var types []byte
		for range r.helpers() {
			types = appendUnsigned(types, r.eventType()+1)
		}
		return r.extend(old, len(r.helpers()), types), nil
	case wasmbin.SectionGlobal:
		return r.extend(old, 2, addedGlobals()), nil
	case wasmbin.SectionExport:
		fuel := append(appendName(nil, FuelExport), byte(wasmbin.KindGlobal))
		fuel = appendUnsigned(fuel, r.fuel)
		calls := append(appendName(nil, CallsExport), byte(wasmbin.KindGlobal))
		calls = appendUnsigned(calls, r.calls)
		return r.extend(old, 2, append(fuel, calls...)), nil
	case wasmbin.SectionStart, wasmbin.SectionElement:
		return r.renumber(nil, old), nil
	case wasmbin.SectionCode:
		return r.code()
	}
	return old.In(r.wasm), nil
}

// eventType is the type of the imported function. That of the helpers comes after it.
func (r *rewriter) eventType() uint32 { return uint32(len(r.m.Types)) }

// extend is the content of a section with n more items.
func (r *rewriter) extend(old wasmbin.Range, n int, items []byte) []byte {
	count := 0
	if old.Len() > 0 {
		var size int
		count, size = unsigned(old.In(r.wasm))
		old.Start += size
	}
	out := make([]byte, 0, 5+old.Len()+old.Len()/8+len(items))
	out = appendUnsigned(out, uint32(count+n))
	return append(r.renumber(out, old), items...)
}

// renumber appends a part of the module, with the function indices in it renewed.
func (r *rewriter) renumber(out []byte, old wasmbin.Range) []byte {
	first, _ := slices.BinarySearchFunc(r.indexes, old.Start, func(i index, start int) int { return i.at.Start - start })
	at := old.Start
	for _, i := range r.indexes[first:] {
		if i.at.Start >= old.End {
			break
		}
		out = append(out, r.wasm[at:i.at.Start]...)
		out = appendUnsigned(out, r.function(i.function))
		at = i.at.End
	}
	return append(out, r.wasm[at:old.End]...)
}
