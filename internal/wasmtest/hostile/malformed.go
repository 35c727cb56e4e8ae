package hostile

import "strings"

// counts promise more than follows: who allocates by them is out of memory.
func counts() []Module {
	const bytes = "bytes are left" // what must be said of it: the count does not fit
	body := func(body string) *script {
		s := good()
		s.function(":", "", body)
		return s
	}
	locals := func(locals string) *script {
		s := good()
		s.function(":", locals, "")
		return s
	}
	table := func() *script {
		s := good()
		s.tables = []string{"\x70\x00\x01"}
		return s
	}
	// A string that ends in a promise is put at the end of its section, or of its body.
	cut := func(s *script, content string) *script { return s.replace(secCode, content) }
	return []Module{
		refused("count-types", bytes, "2^32-1 types promised", good().replace(secType, manyLEB)),
		refused("count-params", bytes, "a type with 2^32-1 parameters promised",
			good().replace(secType, "\x01\x60"+manyLEB)),
		refused("count-results", bytes, "a type with 2^32-1 results promised",
			good().replace(secType, "\x01\x60\x00"+manyLEB)),
		refused("count-imports", bytes, "2^32-1 imports promised", good().replace(secImport, manyLEB)),
		refused("count-functions", bytes, "2^32-1 functions promised", good().replace(secFunction, manyLEB)),
		refused("count-tables", bytes, "2^32-1 tables promised", good().replace(secTable, manyLEB)),
		refused("count-memories", bytes, "2^32-1 memories promised", good().replace(secMemory, manyLEB)),
		refused("count-globals", bytes, "2^32-1 globals promised", good().replace(secGlobal, manyLEB)),
		refused("count-exports", bytes, "2^32-1 exports promised", good().replace(secExport, manyLEB)),
		refused("count-elements", bytes, "2^32-1 element segments promised", table().replace(secElement, manyLEB)),
		refused("count-element-functions", bytes, "an element segment with 2^32-1 functions promised",
			table().replace(secElement, "\x01\x00"+i32(0)+end+manyLEB)),
		refused("count-element-expressions", bytes, "an element segment with 2^32-1 expressions promised",
			table().replace(secElement, "\x01\x05\x70"+manyLEB)),
		refused("count-bodies", bytes, "2^32-1 function bodies promised", cut(good(), manyLEB)),
		refused("count-data", bytes, "2^32-1 data segments promised", good().replace(secData, manyLEB)),
		refused("count-data-bytes", bytes, "a data segment of 2^32-1 bytes promised",
			good().replace(secData, "\x01\x00"+i32(0)+end+manyLEB)),
		refused("count-data-count", "data", "a data count of 2^32-1 before no segment",
			&script{types: good().types, imports: good().imports, functions: good().functions,
				memory: good().memory, exports: good().exports, bodies: good().bodies, dataCount: manyLEB}),
		refused("count-local-groups", bytes, "2^32-1 declarations of locals promised", locals(manyLEB)),
		refused("count-br-table", bytes, "a br_table of 2^32-1 targets promised", body(i32(0)+"\x0e"+manyLEB)),
		refused("count-br-table-millions", bytes, "a br_table of 10,000,000 targets promised",
			body(i32(0)+"\x0e"+u32(10_000_000)+"\x00")),
		refused("count-select", "select", "a select of 2^32-1 types promised",
			body(i32(0)+i32(0)+i32(0)+"\x1c"+manyLEB)),
		refused("size-section", bytes, "a section of 2^32-1 bytes promised",
			&script{memory: "\x00\x01", lead: "\x01" + manyLEB}),
		refused("size-body", bytes, "a function body of 2^32-1 bytes promised", cut(good(), "\x01"+manyLEB)),
		refused("size-import-name", bytes, "an import whose name has 2^32-1 bytes promised",
			good().replace(secImport, "\x01"+manyLEB+"registrar_v1")),
		refused("size-export-name", bytes, "an export whose name has 2^32-1 bytes promised",
			good().replace(secExport, "\x01"+manyLEB+"memory")),
		refused("size-custom-name", bytes, "a custom section whose name has 2^32-1 bytes promised",
			&script{memory: "\x00\x01", lead: section(secCustom, manyLEB+"name")}),
	}
}

// encodings are bytes that mean nothing, or the same as others.
func encodings() []Module {
	body := func(body string) *script {
		s := good()
		s.function(":", "", body)
		return s
	}
	trailing := func(tail string) *script {
		s := good()
		s.tail = tail
		return s
	}
	bare := func(bytes string) Module { return Module{Wasm: func() []byte { return []byte(bytes) }} }
	named := func(m Module, name, says, attack string) Module {
		m.Name, m.Says, m.Attack, m.Must = name, says, attack, []Outcome{Refused}
		return m
	}
	return []Module{
		named(bare(""), "empty", "", "no bytes"),
		named(bare(header), "header-alone", "", "a header and nothing else"),
		named(bare("\x00asm\x02\x00\x00\x00"), "header-version", "version", "a version to come"),
		named(bare("\x00asm\x0d\x00\x01\x00"), "header-component", "component", "a component"),
		refused("leb-too-long", "longer integer", "a count of six bytes",
			good().replace(secType, "\x80\x80\x80\x80\x80\x00")),
		refused("leb-too-large", "larger integer", "a count with bits beyond 32",
			good().replace(secType, "\xff\xff\xff\xff\x7f")),
		refused("leb-endless", "longer integer", "a count that never ends: 4,096 continuation bytes",
			good().replace(secType, strings.Repeat("\x80", 4096))),
		refused("leb-too-long-in-code", "longer integer", "a constant of six bytes",
			body("\x41\x80\x80\x80\x80\x80\x00"+drop)),
		refused("leb-too-large-in-code", "larger integer", "a constant with bits beyond 32",
			body("\x41\xff\xff\xff\xff\x4f"+drop)),
		refused("trailing-byte", "", "a byte after the last section", trailing("\x0b")),
		refused("trailing-module", "", "a second module after the first", trailing(header)),
		refused("section-twice", "second", "two type sections",
			&script{memory: "\x00\x01", lead: section(secType, vec(signature(":i"))) + section(secType,
				vec(signature(":i")))}),
		refused("section-order", "before", "the type section after the data section",
			trailing(section(secType, vec(signature(":i"))))),
		refused("section-unknown", "section 14", "a section 14", trailing(section(14, ""))),
		refused("section-slack", "follow", "bytes after a section's last item",
			good().replace(secType, vec(good().types...)+"\x00\x00")),
		refused("bodies-missing", "bodies", "a function without a body", good().replace(secCode, vec())),
		refused("bodies-more", "bodies", "more bodies than functions",
			good().replace(secCode, same(3, name("\x00"+end)))),
		refused("body-without-end", "end of the body", "a body without its end",
			good().replace(secCode, vec(name("\x00"+i32(0))))),
		refused("body-after-end", "follow", "instructions after a body's end", body(end+nop)),
		refused("body-truncated", "", "a constant cut off by the body's end",
			good().replace(secCode, vec(name("\x00\x41\x80")))),
		refused("else-without-if", "else", "an else that belongs to nothing", body(elseOf)),
		refused("type-mismatch", "", "a step that leaves an i64", func() *script {
			s := empty()
			return s.step("add_client_id", "", i64(0))
		}()),
		refused("stack-underflow", "", "an addition of nothing", body(add+drop)),
		refused("stack-leftover", "", "a value that nobody takes", body(i32(0))),
		refused("block-result-missing", "", "a block without its result", body("\x02\x7f"+end+drop)),
		refused("align-huge", "alignment", "a load aligned to 2^31 bytes", body(i32(0)+"\x28\x1f\x00"+drop)),
		refused("utf8-export", "utf-8", "an export whose name is no UTF-8", func() *script {
			s := good()
			s.exports = append(s.exports, name("\xff\xfe\xed\xa0\x80")+"\x00\x01")
			return s
		}()),
		refused("utf8-import", "utf-8", "an import whose name is no UTF-8",
			good().replace(secImport, vec(name("registrar_v1")+name("call_base\xc0\x80")+"\x00\x00"))),
		refused("utf8-custom", "utf-8", "a custom section whose name is no UTF-8",
			trailing(section(secCustom, name("\xf8\x88\x80\x80\x80")))),
	}
}

// indices point to what is not there.
func indices() []Module {
	body := func(body string) *script {
		s := good()
		s.function(":", someLocals, body)
		return s
	}
	exported := func(export string) *script {
		s := good()
		s.exports = append(s.exports, export)
		return s
	}
	elements := func(element string) *script {
		s := good()
		s.tables, s.elements = []string{"\x70\x00\x01"}, []string{element}
		return s
	}
	segments := func(body string) *script {
		s := good()
		s.tables, s.elements = []string{"\x70\x00\x01"}, []string{"\x01\x00\x00"}
		s.data, s.dataCount = []string{"\x01\x00"}, "\x01"
		s.function(":", "", body)
		return s
	}
	global := func(item string) *script {
		s := good()
		s.globals = []string{item}
		return s
	}
	const far = manyLEB
	return []Module{
		refused("index-type", "index", "a function of type 2^32-1", good().replace(secFunction, "\x01"+far)),
		refused("index-import-type", "index", "an import of type 2^32-1",
			good().replace(secImport, vec(name("registrar_v1")+name("call_base")+"\x00"+far))),
		refused("index-export", "index", "an export of function 2^32-1", exported(name("far")+"\x00"+far)),
		refused("index-export-table", "index", "an export of a table that is not there",
			exported(name("far")+"\x01\x00")),
		refused("index-export-memory", "index", "an export of memory 1", exported(name("far")+"\x02\x01")),
		refused("index-export-global", "index", "an export of a global that is not there",
			exported(name("far")+"\x03\x00")),
		refused("index-element-function", "index", "an element that is function 2^32-1",
			elements("\x00"+i32(0)+end+"\x01"+far)),
		refused("index-element-table", "index", "elements for table 2^32-1",
			elements("\x02"+far+i32(0)+end+"\x00\x01\x00")),
		refused("index-data-memory", "index", "data for memory 2^32-1",
			good().replace(secData, "\x01\x02"+far+i32(0)+end+"\x01x")),
		refused("index-start", "index", "function 2^32-1 as the start",
			func() *script { s := good(); s.start = far; return s }()),
		refused("index-global-init", "global", "a global that begins as another one to come",
			global(tI32+"\x00"+getG(1)+end)),
		refused("index-global-itself", "global", "a global that begins as itself", global(tI32+"\x00"+getG(0)+end)),
		refused("index-global-function", "index", "a global that refers to function 2^32-1",
			global(tFuncRef+"\x00\xd2"+far+end)),
		refused("index-local", "index", "local 2^32-1", body("\x20"+far+drop)),
		refused("index-global", "index", "global 2^32-1", body("\x23"+far+drop)),
		refused("index-call", "index", "a call of function 2^32-1", body("\x10"+far)),
		refused("index-call-indirect-type", "index", "an indirect call of type 2^32-1", body(i32(0)+"\x11"+far+"\x00")),
		refused("index-call-indirect-table", "index", "an indirect call through a table that is not there",
			body(i32(0)+callIndirect(0)+drop)),
		refused("index-block-type", "index", "a block of type 2^32-1", body("\x02"+s64(maxU32)+end)),
		refused("index-label", "index", "a branch to label 2^32-1", body("\x0c"+far)),
		refused("index-label-table", "index", "a br_table to label 2^32-1", body(i32(0)+"\x0e\x01"+far+"\x00")),
		refused("index-memory-init", "index", "memory.init of segment 2^32-1",
			segments(i32(0)+i32(0)+i32(0)+"\xfc\x08"+far+"\x00")),
		refused("index-data-drop", "index", "data.drop of segment 2^32-1", segments("\xfc\x09"+far)),
		refused("index-elem-drop", "index", "elem.drop of segment 2^32-1", segments("\xfc\x0d"+far)),
		refused("index-table-init", "index", "table.init of table 2^32-1",
			segments(i32(0)+i32(0)+i32(0)+"\xfc\x0c\x00"+far)),
		refused("index-table-get", "index", "table.get of table 2^32-1", body(i32(0)+"\x25"+far+drop)),
		refused("index-ref-func", "index", "a reference to function 2^32-1", body("\xd2"+far+drop)),
	}
}

// proposals are instructions and types beyond WebAssembly 2.0.
func proposals() []Module {
	body := func(body string) *script {
		s := good()
		s.function(":", "", body)
		return s
	}
	return []Module{
		refused("opcode-unknown", "0xff", "an opcode that is none", body("\xff")),
		refused("opcode-unknown-prefixed", "not a WebAssembly instruction", "an opcode beyond the last one after 0xfc",
			body("\xfc"+manyLEB)),
		refused("opcode-unknown-vector", "instruction", "an opcode beyond the last one after 0xfd",
			body("\xfd"+manyLEB)),
		refused("opcode-tail-call", "tail call", "a tail call, which no depth bounds", body("\x12\x01")),
		refused("opcode-throw", "exception", "an exception", body("\x08\x00")),
		refused("opcode-atomic", "threads", "an atomic wait, which stops a thread",
			body(i32(0)+i32(0)+i64(-1)+"\xfe\x01\x02\x00"+drop)),
		refused("opcode-relaxed", "relaxed", "a relaxed vector operation, whose result differs from machine to machine",
			body(strings.Repeat("\xfd\x0c"+strings.Repeat("\x00", 16), 2)+"\xfd\x80\x02"+drop)),
		refused("opcode-garbage-collection", "garbage", "a structure of the garbage collector",
			body("\xfb\x00\x00"+drop)),
		refused("table-grow", "table.grow", "table.grow in an endless loop", func() *script {
			s := good()
			s.tables = []string{"\x70\x00\x01"}
			s.function(":", "", forever(refNull+i32(1<<20)+"\xfc\x0f\x00"+drop))
			return s
		}()),
		refused("memory-64", "64-bit", "a memory of 64-bit addresses", good().replace(secMemory, "\x01\x04\x01")),
		refused("memory-shared", "shared", "a memory that threads share",
			good().replace(secMemory, "\x01\x03\x01\x01")),
		refused("memory-two", "memor", "two memories", good().replace(secMemory, "\x02\x00\x01\x00\x01")),
		refused("table-64", "64-bit", "a table of 64-bit indices", good().replace(secTable, "\x01\x70\x04\x01")),
		refused("import-tag", "tag", "an imported tag",
			good().replace(secImport, vec(name("registrar_v1")+name("tag")+"\x04\x00\x00"))),
	}
}
