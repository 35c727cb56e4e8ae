package metering

import (
	"fmt"
	"slices"

	"registrar/scripts/wasmbin"
)

// A rewriter rewrites one module. It adds items at the end of their index spaces, except for the event, which follows
// the imported functions.
type rewriter struct {
	wasm []byte
	m    *wasmbin.Module

	imported uint32 // number of imported functions, which is the index of the event
	fuel     uint32 // index of the global
	calls    uint32 // index of the global
	lines    uint32 // index of the function that pays for a number of bytes
	elements uint32 // index of the function that pays for a number of table elements
	grow     uint32 // index of the function that replaces memory.grow
	mutable  int    // number of the module's own mutable globals

	indexes []index
	leaves  []bool // by defined function: it calls no function

	active []bool // by data segment, where there is memory.init: see dropped
	drops  bool   // there is a segment more, without bytes
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

// function returns the new index of a function.
func (r *rewriter) function(old uint32) uint32 {
	if old < r.imported {
		return old
	}
	return old + 1
}

func (r *rewriter) note(at wasmbin.Range, function uint32) {
	r.indexes = append(r.indexes, index{at, function})
}

// scan finds the functions that call no function, and whether one copies from a segment that was dropped.
func (r *rewriter) scan() error {
	r.leaves = make([]bool, len(r.m.Functions))
	var i wasmbin.Instruction
	for f := range r.leaves {
		r.leaves[f] = true
		body := r.m.Body(r.wasm, f)
		for body.Next(&i) {
			switch i.Opcode {
			case wasmbin.Call, wasmbin.CallIndirect:
				r.leaves[f] = false
			case wasmbin.MemoryInit:
				r.drops = r.drops || r.dropped(i.Index)
			}
		}
		if err := body.Err(); err != nil {
			return fmt.Errorf("looking for calls: %w", err)
		}
	}
	return nil
}

// dropped tells whether a data segment is one that instantiation drops: those that are active (WebAssembly 2.0 §4.5.4).
// memory.init of one copies nothing, and traps unless it is told to. wazero keeps them, so that it copies; it is given
// a segment without bytes instead.
func (r *rewriter) dropped(segment uint32) bool {
	if r.active == nil {
		for d := range r.m.Data(r.wasm) {
			r.active = append(r.active, d.Active)
		}
	}
	return r.active[segment]
}

// callsNone reports whether the function with the given old index calls no function. Imported functions may call
// others.
func (r *rewriter) callsNone(old uint32) bool {
	return old >= r.imported && r.leaves[old-r.imported]
}

// module returns the rewritten module, with its sections in order (WebAssembly 2.0 §5.5.16).
func (r *rewriter) module() ([]byte, error) {
	var old [wasmbin.SectionDataCount + 1]wasmbin.Range
	for _, s := range r.m.Sections {
		old[s.ID] = s.Content
	}
	out := make([]byte, 0, 2*len(r.wasm)+MaxOverhead)
	out = append(out, r.wasm[:8]...)
	for _, id := range []wasmbin.SectionID{
		wasmbin.SectionType, wasmbin.SectionImport, wasmbin.SectionFunction, wasmbin.SectionTable,
		wasmbin.SectionMemory,
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

// section returns the new content of a section, empty if there is none.
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
	case wasmbin.SectionDataCount:
		if r.drops {
			return appendUnsigned(nil, uint32(r.m.DataSegments+1)), nil
		}
	case wasmbin.SectionData:
		if r.drops {
			return r.extend(old, 1, []byte(emptySegment)), nil
		}
	}
	return old.In(r.wasm), nil
}

// emptySegment is a passive data segment without bytes (WebAssembly 2.0 §5.5.14).
const emptySegment = "\x01\x00"

// eventType returns the index of the event's type. The type of the helpers follows it.
func (r *rewriter) eventType() uint32 { return uint32(len(r.m.Types)) }

// extend returns the content of a section with n more items.
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

// renumber appends a part of the module with new function indices.
func (r *rewriter) renumber(out []byte, old wasmbin.Range) []byte {
	first,
		_ := slices.BinarySearchFunc(r.indexes, old.Start, func(i index, start int) int { return i.at.Start - start })
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
