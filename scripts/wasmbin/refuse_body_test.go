package wasmbin

import "slices"

// instructionRefusals are what a body may not hold.
func instructionRefusals() []refusal {
	const where, bare = "code section: body of function 1: ", "code section: body of function 0: "
	refuse := func(name, want string, unsupported bool, instructions ...byte) refusal {
		return refusal{name, full(instructions...), where + want, unsupported}
	}
	return []refusal{
		refuse("unknown label", "br: expected a label index below 2, found 2, at offset 89", false, 2, 0x40, 0x0c, 2, 0x0b),
		refuse("unknown label in br_table", "br_table: expected a label index below 1, found 1, at offset 91", false, 0x41, 0, 0x0e, 1, 0, 1),
		refuse("br_table cut off", "br_table: count 32 but only 3 bytes are left, at offset 87", false, 0x0e, 0x20, 0, 0),
		refuse("unknown function", "call: expected a function index below 3, found 3, at offset 87", false, 0x10, 3),
		refuse("unknown type", "call_indirect: expected a type index below 2, found 2, at offset 87", false, 0x11, 2, 0),
		refuse("unknown table", "call_indirect: expected a table index below 2, found 2, at offset 88", false, 0x11, 0, 2),
		refuse("unknown local", "local.get: expected a local index below 4, found 4, at offset 87", false, 0x20, 4),
		refuse("unknown global", "global.get: expected a global index below 2, found 2, at offset 87", false, 0x23, 2),
		refuse("constant global", "global.set: global 1 never changes, at offset 86", false, 0x24, 1),
		refuse("unknown table in table.get", "table.get: expected a table index below 2, found 2, at offset 87", false, 0x25, 2),
		refuse("unknown data segment", "data.drop: expected a segment index below 1, found 1, at offset 88", false, 0xfc, 9, 1),
		refuse("unknown element segment", "elem.drop: expected a segment index below 2, found 2, at offset 88", false, 0xfc, 0x0d, 2),
		refuse("unknown table in table.copy", "table.copy: expected a table index below 2, found 2, at offset 89", false, 0xfc, 0x0e, 0, 2),
		refuse("unknown block type", "block: expected a type index below 2, found 2, at offset 87", false, 2, 2, 0x0b),
		refuse("block type of no value type", "block: expected a value type, found 0x7a, at offset 87", false, 2, 0x7a, 0x0b),
		refuse("negative block type", "block: expected a type index below 2, found -129, at offset 87", false, 2, 0xff, 0x7e, 0x0b),
		refuse("function not declared", "ref.func: function 1 is not declared: no element segment, export or global names it, at offset 87", false, 0xd2, 1),
		refuse("alignment above the natural one", "i32.load: expected an alignment of at most 2, found 3, at offset 87", false, 0x28, 3, 0),
		refuse("alignment of 2^32", "i32.load: expected an alignment of at most 2, found 32, at offset 87", false, 0x28, 0x20, 0),
		refuse("one of many memories", "i32.load: an access to one of many memories is not accepted, at offset 87", true, 0x28, 0x40, 0, 0),
		refuse("vector alignment above the natural one", "v128.load8_lane: expected an alignment of at most 0, found 1, at offset 88", false, 0xfd, 0x54, 1, 0, 0),
		refuse("memory.size of another memory", "memory.size: expected a zero, found 0x01, at offset 87", false, 0x3f, 1),
		refuse("memory.fill of another memory", "memory.fill: expected a zero, found 0x01, at offset 88", false, 0xfc, 0x0b, 1),
		refuse("select of two types", "select: expected one type in one byte, found 2, at offset 87", false, 0x1c, 2, 0x7f, 0x7f),
		refuse("select of no type", "select: expected a value type, found 0x40, at offset 88", false, 0x1c, 1, 0x40),
		refuse("null of no reference type", "ref.null: expected a reference type, found 0x7f, at offset 87", false, 0xd0, 0x7f),
		refuse("lane beyond the vector", "i8x16.extract_lane_s: expected a lane below 16, found 16, at offset 88", false, 0xfd, 0x15, 0x10),
		refuse("lane beyond the shuffled", "i8x16.shuffle: expected a lane below 32, found 32, at offset 103", false, 0xfd, 0x0d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20),
		refuse("lane of 64 bits beyond the vector", "v128.load64_lane: expected a lane below 2, found 2, at offset 90", false, 0xfd, 0x57, 0, 0, 2),
		refuse("else without if", "else: expected it in an if without another else, at offset 88", false, 2, 0x40, 5, 0x0b),
		refuse("else twice", "else: expected it in an if without another else, at offset 89", false, 4, 0x40, 5, 5, 0x0b),
		refuse("block without end", "expected an instruction, found the end of the body, at offset 89", false, 2, 0x40),
		refuse("end too many", "1 bytes follow the last item, expected the end of the body, at offset 87", false, 0x0b),
		refuse("integer too large", "i32.const: expected an i32 of 32 bits, found a larger integer, at offset 87", false, 0x41, 0x80, 0x80, 0x80, 0x80, 8),
		refuse("constant cut off", "f64.const: an f64 of 8 bytes, but only 2 bytes are left, at offset 87", false, 0x44, 0),
		refuse("table.grow", "table.grow: not accepted: tables never grow, at offset 86", true, 0xfc, 0x0f, 0),
		refuse("no instruction", "instruction 0x27: there is no such instruction, at offset 86", false, 0x27),
		refuse("no instruction above", "instruction 0xff: there is no such instruction, at offset 86", false, 0xff),
		refuse("no instruction 0xfc", "instruction 0xfc 23: there is no such instruction, at offset 86", false, 0xfc, 0x17),
		refuse("no instruction 0xfc of 32 bits", "instruction 0xfc: there is no instruction 0xfc 4294967295, at offset 86", false, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f),
		refuse("no vector instruction", "instruction 0xfd: there is no vector instruction 154, at offset 86", false, 0xfd, 0x9a, 1),
		refuse("vector instruction, not minimal", "instruction 0xfd: expected the number of a vector instruction, 0, in its shortest form, at offset 86", true, 0xfd, 0x80, 0),
		refuse("vector instruction in three bytes", "instruction 0xfd: expected the number of a vector instruction, 128, in its shortest form, at offset 86", true, 0xfd, 0x80, 0x81, 0),
		refuse("relaxed SIMD", "instruction 0xfd: vector instruction 256: relaxed SIMD is not accepted, at offset 86", true, 0xfd, 0x80, 2),
		refuse("exception handling", "throw: exception handling: not accepted, at offset 86", true, 8, 0),
		refuse("try_table", "try_table: exception handling: not accepted, at offset 86", true, 0x1f, 0x40, 0),
		refuse("legacy try", "try: exception handling: not accepted, at offset 86", true, 6, 0x40),
		refuse("tail call", "return_call: tail calls: not accepted, at offset 86", true, 0x12, 0),
		refuse("indirect tail call", "return_call_indirect: tail calls: not accepted, at offset 86", true, 0x13, 0, 0),
		refuse("call_ref", "call_ref: typed function references: not accepted, at offset 86", true, 0x14, 0),
		refuse("ref.as_non_null", "ref.as_non_null: typed function references: not accepted, at offset 86", true, 0xd4),
		refuse("ref.eq", "ref.eq: garbage collection: not accepted, at offset 86", true, 0xd3),
		refuse("garbage collection", "instruction 0xfb: garbage collection: not accepted, at offset 86", true, 0xfb, 0),
		refuse("atomics", "instruction 0xfe: threads: not accepted, at offset 86", true, 0xfe, 0x10, 2, 0),
		refuse("wide arithmetic", "i64.add128: not accepted, at offset 86", true, 0xfc, 0x13),
		{"load without a memory", module(aFunction, body(0x28, 0, 0)),
			bare + "i32.load: expected the module to have a memory, at offset 32", false},
		{"memory.size without a memory", module(aFunction, body(0x3f, 0)),
			bare + "memory.size: expected the module to have a memory, at offset 32", false},
		{"memory.init without a data count", module(aFunction, memories, body(0xfc, 8, 0, 0), section(SectionData, vector(raw(1, 0)))),
			bare + "memory.init: expected the module to have a data count section, at offset 38", false},
		{"reference where none is declared", module(aFunction, body(0xd2, 0)),
			bare + "ref.func: function 0 is not declared: no element segment, export or global names it, at offset 32", false},
		{"locals of no type", module(aFunction, section(SectionCode, vector(sized(raw(1, 1, 0x40), raw(0x0b))))),
			bare + "expected a value type, found 0x40, at offset 32", false},
		{"more runs of locals than bytes", module(aFunction, section(SectionCode, vector(sized(raw(9, 1, 0x7f), raw(0x0b))))),
			bare + "count 9, of at least 2 bytes each, but only 3 bytes are left, at offset 30", false},
		{"locals of 32 bits", module(aFunction, section(SectionCode, vector(sized(raw(2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 1, 0x7f), raw(0x0b))))),
			bare + "4294967295 locals, with 0 before them, are over the limit of 50000, at offset 31", true},
	}
}

// segmentRefusals are what element and data segments may not hold.
func segmentRefusals() []refusal {
	elements := func(name, want string, unsupported bool, segment ...byte) refusal {
		b := module(aFunction, section(SectionTable, vector(raw(0x70, 0, 1))), section(SectionElement, vector(segment)), aBody)
		return refusal{"elements: " + name, b, "element section: element segment 0: " + want, unsupported}
	}
	data := func(name, want string, unsupported bool, segment ...byte) refusal {
		b := module(memories, section(SectionData, vector(segment)))
		return refusal{"data: " + name, b, "data section: data segment 0: " + want, unsupported}
	}
	return []refusal{
		elements("unknown flags", "expected flags from 0 to 7, found 8, at offset 35", false, 8, 0, 0),
		elements("unknown table", "expected a table index below 1, found 1, at offset 36", false, 2, 1, 0x41, 0, 0x0b, 0, 0),
		elements("offset of another type", "expected a constant expression of type i32, found i64, at offset 36", false, 0, 0x42, 0, 0x0b, 0),
		elements("unknown element kind", "expected the element kind 0, found 0x01, at offset 36", false, 1, 1, 0),
		elements("unknown function", "expected a function index below 1, found 1, at offset 38", false, 1, 0, 1, 1),
		elements("more functions than bytes", "count 4294967295 but only 0 bytes are left, at offset 37", false, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f),
		elements("elements of numbers", "expected a reference type, found 0x7f, at offset 36", false, 5, 0x7f, 0),
		elements("expression of another type", "expected a constant expression of type externref, found funcref, at offset 38", false, 5, 0x6f, 1, 0xd2, 0, 0x0b),
		elements("more expressions than bytes", "count 2, of at least 3 bytes each, but only 3 bytes are left, at offset 37", false, 5, 0x70, 2, 0xd0, 0x70, 0x0b),
		data("unknown flags", "expected flags from 0 to 2, found 3, at offset 16", false, 3, 0),
		data("unknown memory", "expected a memory index below 1, found 1, at offset 17", false, 2, 1, 0x41, 0, 0x0b, 0),
		data("offset of another type", "expected a constant expression of type i32, found i64, at offset 17", false, 0, 0x42, 0, 0x0b, 0),
		data("offset from no global", "expected an imported global, found 0, but 0 are imported, at offset 18", true, 0, 0x23, 0, 0x0b, 0),
		data("bytes beyond the section", "a segment of 2 bytes, but only 1 bytes are left, at offset 18", false, 1, 2, 0x61),
		{"elements without a table", module(aFunction, section(SectionElement, vector(raw(0, 0x41, 0, 0x0b, 0)))),
			"element section: element segment 0: expected a table index below 0, found 0, at offset 30", false},
		{"data without a memory", module(section(SectionData, vector(raw(0, 0x41, 0, 0x0b, 0)))),
			"data section: data segment 0: expected a memory index below 0, found 0, at offset 12", false},
		{"offset from the module's own global", module(section(SectionTable, vector(raw(0x70, 0, 1))),
			section(SectionGlobal, vector(slices.Concat(raw(0x7f, 0), constInt))), section(SectionElement, vector(raw(0, 0x23, 0, 0x0b, 0)))),
			"element section: element segment 0: expected an imported global, found 0, but 0 are imported, at offset 27", true},
	}
}
