package wasmbin

import (
	"slices"
	"testing"
)

// A refusal is a module that is not accepted, with the expected error.
type refusal struct {
	name        string
	module      []byte
	want        string // the error's text
	unsupported bool   // else malformed
}

func refusals() []refusal {
	return slices.Concat(headerRefusals(), sectionRefusals(), declarationRefusals(), constRefusals(), bodyRefusals(),
		segmentRefusals(), instructionRefusals(), capRefusals())
}

func TestRefusals(t *testing.T) {
	for _, test := range refusals() {
		t.Run(test.name, func(t *testing.T) {
			m, err := Decode(test.module)
			if err == nil {
				t.Fatalf("accepted as %+v, want error %q", m, test.want)
			}
			if e := asError(t, err); e.Error() != test.want || e.Unsupported != test.unsupported {
				t.Errorf("got error %q, unsupported %t\nwant %q, %t", e, e.Unsupported, test.want, test.unsupported)
			}
		})
	}
}

func headerRefusals() []refusal {
	return []refusal{
		{"nothing", nil, `header: expected the bytes "\x00asm", found "", at offset 0`, false},
		{"text format", []byte("(module)"), `header: expected the bytes "\x00asm", found "(mod", at offset 0`, false},
		{"cut off in the magic bytes", raw(0, 'a'), "header: expected 8 bytes, found 2, at offset 2", false},
		{"cut off in the version", []byte(magic + "\x01"), "header: expected 8 bytes, found 5, at offset 5", false},
		{"version 2", []byte(magic + "\x02\x00\x00\x00"),
			"header: expected version 01 00 00 00, found 02 00 00 00, at offset 4", false},
		{"component", []byte(magic + "\x0d\x00\x01\x00"),
			"header: expected a core module, found a component, at offset 4", true},
	}
}

func sectionRefusals() []refusal {
	memory2 := section(SectionMemory, vector())
	return []refusal{
		{"unknown section", module(section(14)), "section 14: expected an id from 0 to 12, at offset 8", false},
		{"tag section", module(section(13, raw(0))),
			"section 13: tags (exception handling) are not accepted, at offset 8", true},
		{"section twice", module(types, types), "type section: a second one, expected at most one, at offset 22",
			false},
		{"section twice with a custom one between", module(memories, custom("a"), memory2),
			"memory section: a second one, expected at most one, at offset 25", false},
		{"sections out of order", module(memories, types),
			"type section: expected it before the memory section, found it after, at offset 13", false},
		{"data count after code", module(aFunction, aBody, section(SectionDataCount, raw(0))),
			"data count section: expected it before the code section, found it after, at offset 32", false},
		{"data count before elements", module(section(SectionDataCount, raw(0)), section(SectionElement, raw(0))),
			"element section: expected it before the data count section, found it after, at offset 11", false},
		{"no size", module(raw(1)), "type section: expected a size, found the end of the module, at offset 9", false},
		{"size beyond the module", module(raw(1, 100, 0, 0, 0)),
			"type section: a size of 100 bytes, but only 3 bytes are left, at offset 10", false},
		{"size of 4 GiB", module(raw(0, 0xff, 0xff, 0xff, 0xff, 0x0f)),
			"custom section: a size of 4294967295 bytes, but only 0 bytes are left, at offset 14", false},
		{"size cut off", module(raw(1, 0x80)),
			"type section: expected a size, found the end of the module, at offset 10", false},
		{"section without a count", module(section(SectionType)),
			"type section: expected a count, found the end of the section, at offset 10", false},
		{"section longer than its items", module(section(SectionType, vector(emptyType), raw(0, 0))),
			"type section: 2 bytes follow the last item, expected the end of the section, at offset 14", false},
		{"empty section of segments with bytes", module(section(SectionData, raw(0, 7))),
			"data section: 1 bytes follow the last item, expected the end of the section, at offset 11", false},
		{"item longer than its section", module(raw(1, 4, 1, 0x60, 1, 0x7f, 0)),
			"type section: type 0: expected a count, found the end of the section, at offset 14", false},
		{"custom section without a name", module(section(SectionCustom)),
			"custom section: expected a name, found the end of the section, at offset 10", false},
		{"custom section's name beyond it", module(raw(0, 2, 5, 'a'), types),
			"custom section: a name of 5 bytes, but only 1 bytes are left, at offset 11", false},
		{"custom section's name no UTF-8", module(custom("\xff")),
			`custom section: a name is not UTF-8: "\xff", at offset 10`, false},
		{"trailing byte", append(module(types), 0),
			"custom section: expected a size, found the end of the module, at offset 23", false},
		{"module twice", slices.Concat(module(types), module(types)),
			"custom section: a size of 97 bytes, but only 20 bytes are left, at offset 24", false},
	}
}

func declarationRefusals() []refusal {
	imports := func(items ...[]byte) []byte { return module(types, section(SectionImport, vector(items...))) }
	named := func(b ...byte) []byte { return slices.Concat(text("env"), text("x"), b) }
	export := func(items ...[]byte) []byte {
		return module(aFunction, memories, section(SectionExport, vector(items...)), aBody)
	}
	table := func(b ...byte) []byte { return module(section(SectionTable, vector(b))) }
	memory := func(b ...byte) []byte { return module(section(SectionMemory, vector(b))) }
	oneType := func(b ...byte) []byte { return module(section(SectionType, vector(b))) }
	return []refusal{
		{"count beyond the section", module(section(SectionImport, raw(0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3))),
			"import section: count 4294967295, of at least 4 bytes each, but only 3 bytes are left, at offset 10",
			false},
		{"count of bytes beyond the section", module(types, section(SectionFunction, raw(5, 0, 0))),
			"function section: count 5 but only 2 bytes are left, at offset 24", false},
		{"unknown type form", oneType(0x40, 0, 0),
			"type section: type 0: expected a function type (0x60), found 0x40, at offset 11", false},
		{"recursive type", oneType(0x4e, 1, 0x60, 0, 0),
			"type section: type 0: expected a function type (0x60), found 0x4e: types of the garbage collection " +
				"proposal are not accepted, at offset 11", true},
		{"structure type", oneType(0x5f, 0, 0),
			"type section: type 0: expected a function type (0x60), found 0x5f: types of the garbage collection " +
				"proposal are not accepted, at offset 11", true},
		{"unknown value type", oneType(0x60, 1, 0x40, 0),
			"type section: type 0: expected a value type, found 0x40, at offset 13", false},
		{"typed reference", oneType(0x60, 0, 1, 0x64, 0x70),
			"type section: type 0: expected a value type, found 0x64: references other than funcref and externref " +
				"are not accepted, at offset 14", true},
		{"reference to an exception", oneType(0x60, 0, 1, 0x74),
			"type section: type 0: expected a value type, found 0x74: references other than funcref and externref " +
				"are not accepted, at offset 14", true},
		{"results beyond the section", oneType(0x60, 0, 9),
			"type section: type 0: count 9 but only 0 bytes are left, at offset 13", false},

		{"import of an unknown kind", imports(function, named(5, 0)),
			"import section: import 1: expected a kind from 0 to 3, found 0x05, at offset 39", false},
		{"imported tag", imports(named(4, 0, 0)),
			"import section: import 0: a tag (exception handling) is not accepted, at offset 31", true},
		{"imported function of no type", imports(named(0, 2)),
			"import section: import 0: expected a type index below 2, found 2, at offset 32", false},
		{"import's module no UTF-8", imports(slices.Concat(text("\xff"), text("x"), raw(0, 0))),
			`import section: import 0: a module name is not UTF-8: "\xff", at offset 25`, false},
		{"import's name no UTF-8", imports(slices.Concat(text("x"), text("\xff"), raw(0, 0))),
			`import section: import 0: a name is not UTF-8: "\xff", at offset 27`, false},
		{"imported global of mutability 2", imports(named(3, 0x7f, 2)),
			"import section: import 0: expected a mutability (0 or 1), found 0x02, at offset 33", false},
		{"imported global of no type", imports(named(3, 0x00, 0)),
			"import section: import 0: expected a value type, found 0x00, at offset 32", false},

		{"function of no type", module(types, section(SectionFunction, vector(raw(0), raw(2)))),
			"function section: function 1: expected a type index below 2, found 2, at offset 26", false},
		{"function after imported ones of no type", module(types, allImports, section(SectionFunction, vector(raw(7)))),
			"function section: function 1: expected a type index below 2, found 7, at offset 56", false},

		{"table of numbers", table(0x7f, 0, 0),
			"table section: table 0: expected a reference type, found 0x7f, at offset 11", false},
		{"table of typed references", table(0x63, 0, 0, 0),
			"table section: table 0: expected a reference type, found 0x63: references other than funcref and " +
				"externref are not accepted, at offset 11", true},
		{"table with an initial element", table(0x40, 0, 0x70, 0, 0),
			"table section: table 0: a table with an initial element is not accepted, at offset 11", true},
		{"table's minimum above its maximum", table(0x70, 1, 2, 1),
			"table section: table 0: the minimum, 2, is above the maximum, 1, at offset 12", false},
		{"shared table", table(0x70, 3, 1, 1), "table section: table 0: a shared table is not accepted, at offset 12",
			true},
		{"64-bit table", table(0x70, 4, 1),
			"table section: table 0: a 64-bit table is not accepted, only a 32-bit one, at offset 12", true},
		{"64-bit shared table", table(0x70, 7, 1, 1),
			"table section: table 0: a 64-bit table is not accepted, only a 32-bit one, at offset 12", true},
		{"unknown limits", memory(8, 1),
			"memory section: memory 0: expected limits with or without a maximum (1 or 0), found 0x08, at offset 11",
			false},
		{"shared memory", memory(3, 1, 1), "memory section: memory 0: a shared memory is not accepted, at offset 11",
			true},
		{"64-bit memory", memory(5, 1, 1),
			"memory section: memory 0: a 64-bit memory is not accepted, only a 32-bit one, at offset 11", true},
		{"memory's minimum above its maximum", memory(1, 2, 1),
			"memory section: memory 0: the minimum, 2, is above the maximum, 1, at offset 11", false},
		{"memory of more than 4 GiB", memory(0, 0x81, 0x80, 4),
			"memory section: memory 0: 65537 pages are over the limit of 65536 (4 GiB), at offset 11", false},
		{"memory that may grow beyond 4 GiB", memory(1, 0, 0x81, 0x80, 4),
			"memory section: memory 0: 65537 pages are over the limit of 65536 (4 GiB), at offset 11", false},

		{"export of an unknown kind", export(slices.Concat(text("a"), raw(9, 0))),
			"export section: export 0: expected a kind from 0 to 3, found 0x09, at offset 36", false},
		{"exported tag", export(slices.Concat(text("a"), raw(4, 0))),
			"export section: export 0: a tag (exception handling) is not accepted, at offset 36", true},
		{"export of no function", export(slices.Concat(text("a"), raw(0, 1))),
			"export section: export 0: expected a function index below 1, found 1, at offset 37", false},
		{"export of no table", export(slices.Concat(text("a"), raw(1, 0))),
			"export section: export 0: expected a table index below 0, found 0, at offset 37", false},
		{"export of no memory", export(slices.Concat(text("a"), raw(2, 1))),
			"export section: export 0: expected a memory index below 1, found 1, at offset 37", false},
		{"export of no global", export(slices.Concat(text("a"), raw(3, 0))),
			"export section: export 0: expected a global index below 0, found 0, at offset 37", false},
		{"export's name no UTF-8", export(slices.Concat(text("\xff"), raw(0, 0))),
			`export section: export 0: a name is not UTF-8: "\xff", at offset 34`, false},
		{"exports of one name", export(slices.Concat(text("a"), raw(0, 0)), slices.Concat(text("a"), raw(2, 0))),
			`export section: export 1: the name "a" is already used by export 0, at offset 38`, false},

		{"start of no function", module(section(SectionStart, raw(0))),
			"start section: expected a function index below 0, found 0, at offset 10", false},
		{"start of a function with parameters", module(types, functions, section(SectionStart, raw(1)), bodies),
			"start section: expected a function of type () -> (), found (i32, i64, v128) -> (f32, f64), at offset 29",
			false},
	}
}

func constRefusals() []refusal {
	// ref.func needs the function section. The missing bodies are never reported, because the globals fail first.
	globals := func(b ...byte) []byte {
		return module(types, section(SectionImport, vector(global, variable)), aFunction[len(types):],
			section(SectionGlobal, vector(b)))
	}
	const where = "global section: global 2: "
	return []refusal{
		{"global of no type", globals(0x40, 0, 0x41, 0, 0x0b),
			where + "expected a value type, found 0x40, at offset 50", false},
		{"global of mutability 2", globals(0x7f, 2, 0x41, 0, 0x0b),
			where + "expected a mutability (0 or 1), found 0x02, at offset 51", false},
		{"global of another type than its value", globals(0x7e, 0, 0x41, 0, 0x0b),
			where + "expected a constant expression of type i64, found i32, at offset 52", false},
		{"value read from a global of another type", globals(0x7f, 0, 0x23, 0, 0x0b),
			where + "expected a constant expression of type i32, found i64, at offset 52", false},
		{"value read from a variable", globals(0x7e, 0, 0x23, 1, 0x0b),
			where + "expected an immutable global, found 1, which is mutable, at offset 53", false},
		{"value read from the global itself", globals(0x7e, 0, 0x23, 2, 0x0b),
			where + "expected an imported global, found 2, but 2 are imported, at offset 53", true},
		{"reference to no function", globals(0x70, 0, 0xd2, 1, 0x0b),
			where + "expected a function index below 1, found 1, at offset 53", false},
		{"null of no reference type", globals(0x70, 0, 0xd0, 0x7f, 0x0b),
			where + "expected a reference type, found 0x7f, at offset 53", false},
		{"integer too large", globals(0x7f, 0, 0x41, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0b),
			where + "expected an i32 of 32 bits, found a larger integer, at offset 53", false},
		{"value cut off", globals(0x7c, 0, 0x44, 0, 0x0b),
			where + "an f64 of 8 bytes, but only 2 bytes are left, at offset 53", false},
		{"call as a value", globals(0x7f, 0, 0x10, 0, 0x0b),
			where + "expected a constant expression, found instruction 0x10, at offset 52", false},
		{"vector load as a value", globals(0x7b, 0, 0xfd, 0, 0x0b),
			where + "expected a constant expression, found vector instruction 0, at offset 52", false},
		{"no value", globals(0x7f, 0, 0x0b, 0, 0),
			where + "expected a constant expression, found instruction 0x0b, at offset 52", false},
		{"value without an end", globals(0x7f, 0, 0x41, 0x80, 0),
			where + "expected the end of the constant expression, found the end of the section, at offset 55", false},
		{"sum as a value", globals(0x7f, 0, 0x41, 1, 0x41, 1, 0x6a, 0x0b),
			where + "expected the end (0x0b) of the constant expression, found 0x41: only expressions of one " +
				"instruction are accepted, at offset 54", true},
	}
}

func bodyRefusals() []refusal {
	data := section(SectionData, vector(raw(1, 1, 'a')))
	return []refusal{
		{"functions without bodies", module(aFunction),
			"code section: expected 1 bodies, as in the function section, found 0, at offset 26", false},
		{"bodies without functions", module(aBody),
			"code section: expected 0 bodies, as in the function section, found 1, at offset 10", false},
		{"fewer bodies than functions", module(types, functions, aBody),
			"code section: expected 2 bodies, as in the function section, found 1, at offset 29", false},
		{"body beyond the section", module(aFunction, section(SectionCode, vector(raw(3, 0, 0x0b)))),
			"code section: body of function 0: a body of 3 bytes, but only 2 bytes are left, at offset 30", false},
		{"body too small",
			module(types, section(SectionImport, vector(function)), section(SectionFunction, vector(raw(0))),
				section(SectionCode, vector(raw(1, 0x0b)), raw(0))),
			"code section: body of function 1: expected a body of at least 2 bytes, its locals and an end, found 1, " +
				"at offset 40", false},
		{"bytes after the bodies", module(aFunction, section(SectionCode, vector(raw(2, 0, 0x0b)), raw(0))),
			"code section: 1 bytes follow the last item, expected the end of the section, at offset 32", false},
		{"elements beyond the section", module(section(SectionElement, raw(2, 0, 0, 0))),
			"element section: count 2, of at least 3 bytes each, but only 3 bytes are left, at offset 10", false},
		{"data beyond the section", module(section(SectionData, raw(2, 0, 0))),
			"data section: count 2, of at least 2 bytes each, but only 2 bytes are left, at offset 10", false},
		{"data count without data", module(section(SectionDataCount, raw(1))),
			"data section: expected 1 segments, as in the data count section, found 0, at offset 11", false},
		{"data count unlike the data", module(section(SectionDataCount, raw(2)), data),
			"data section: expected 2 segments, as in the data count section, found 1, at offset 13", false},
		{"data count of 4 Gi", module(section(SectionDataCount, raw(0xff, 0xff, 0xff, 0xff, 0x0f)), data),
			"data section: expected 4294967295 segments, as in the data count section, found 1, at offset 17", false},
	}
}
