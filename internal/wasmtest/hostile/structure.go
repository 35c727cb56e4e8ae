package hostile

import (
	"fmt"
	"strings"
)

// sizes are more of something than there may be, or exactly as much.
func sizes() []Module {
	body := func(locals, body string) *script {
		s := good()
		s.function(":", locals, body)
		return s
	}
	with := func(change func(s *script)) *script {
		s := good()
		change(s)
		return s
	}
	table := func(limits string) *script {
		return with(func(s *script) { s.tables = []string{"\x70" + limits} })
	}
	nested := func(n int, open string) *script { return body("", strings.Repeat(open, n)+strings.Repeat(end, n)) }
	return []Module{
		refused("locals-run", "locals", "2^32-1 locals in one declaration", body(groups(group(maxU32, tI64)), "")),
		refused("locals-runs", "locals", "1,000 declarations of 4,000,000 locals each: 4 billion",
			body(same(1000, group(4_000_000, tI64)), "")),
		refused("locals-overflow", "locals", "declarations whose sum wraps around 2^32 to 1",
			body(groups(group(1<<31, tI64), group(1<<31, tI64), group(1, tI64)), "")),
		refused("locals-vectors", "locals", "10,000,000 vectors", body(groups(group(10_000_000, tV128)), "")),
		refused("table-huge", "table", "a table of 2^32-1 elements", table("\x00"+manyLEB)),
		refused("table-bounded", "table", "the same, with a maximum", table("\x01"+manyLEB+manyLEB)),
		refused("table-over", "65537", "a table of 65,537 elements", table("\x00"+u32(65_537))),
		refused("tables-two", "table", "two tables",
			with(func(s *script) { s.tables = []string{"\x70\x00\x01", "\x70\x00\x01"} })),
		refused("tables-many", "65536", "60 tables of 65,536 elements each: 30 MiB", with(func(s *script) {
			s.tables = strings.Split(strings.Repeat("\x70\x00"+u32(65_536)+"|", 59)+"\x70\x00"+u32(65_536), "|")
		})),
		ends("table-full", "a table of 65,536 elements, as many as may be", table("\x00"+u32(65_536)), Harmless),
		ends("table-maximum", "a table that may grow to 2^32-1 elements, and has one", table("\x01\x01"+manyLEB),
			Harmless, Refused),
		refused("memory-4gib", "65536 pages", "a memory of 4 GiB", good().pages(65_536)),
		refused("memory-beyond", "65537", "a memory of more than 4 GiB", good().pages(65_537)),
		refused("memory-over", "257 pages", "a memory of a page more than is allowed", good().pages(257)),
		ends("memory-maximum", "a memory that may grow to 4 GiB, and has a page",
			good().replace(secMemory, "\x01\x01\x01"+u32(65_536)), Harmless),
		refused("types-over", "10001", "10,001 types", good().replace(secType, same(10_001, signature(":i")))),
		refused("params-over", "1001", "1,001 parameters",
			body("", "").replace(secType, vec(signature(":i"), signature(strings.Repeat("i", 1001)+":")))),
		refused("globals-over", "10001", "10,001 globals",
			good().replace(secGlobal, same(10_001, tI32+"\x00"+i32(0)+end))),
		refused("elements-over", "10001", "10,001 element segments",
			good().replace(secElement, same(10_001, "\x01\x00\x00"))),
		refused("customs-over", "custom section", "5,000 empty custom sections",
			with(func(s *script) { s.tail = strings.Repeat(custom("", ""), 5000) })),
		ends("customs-full", "100 custom sections, as many as may be",
			with(func(s *script) { s.tail = strings.Repeat(custom("x", ""), 100) }), Harmless),
		large("functions-over", "100", "101,000 functions", func() *script {
			return good().replace(secFunction, same(101_000, "\x00")).replace(secCode,
				same(101_000, name("\x00"+unreachable+end)))
		}, Refused),
		large("functions-many", "", "99,000 functions", func() *script {
			s := good()
			for range 99_000 {
				s.functions, s.bodies = append(s.functions, "\x00"), append(s.bodies, "\x00"+unreachable+end)
			}
			return s
		}, Harmless, Refused),
		large("imports-many", "", "9,999 imports of one function", func() *script {
			s := empty()
			s.imported("call_base")
			s.imports = strings.SplitAfter(strings.Repeat(s.imports[0]+"\xff", 9_999), "\xff")[:9_999]
			for i := range s.imports {
				s.imports[i] = strings.TrimSuffix(s.imports[i], "\xff")
			}
			return s.step("add_client_id", "", call(9_998))
		}, Harmless, Refused),
		large("data-over", "100", "100,001 data segments", func() *script {
			return good().replace(secData, same(100_001, "\x01\x00"))
		}, Refused),
		large("exports-over", "1000", "10,001 exports", func() *script {
			s := good()
			for i := range 10_000 {
				s.export(fmt.Sprint("e", i), 1)
			}
			return s
		}, Refused),
		ends("nest-loops", "5,000 loops inside each other", nested(5_000, "\x03\x40"), Harmless, Refused),
		ends("nest-ifs", "5,000 ifs inside each other", nested(5_000, i32(1)+"\x04\x40"), Harmless, Refused),
		large("nest-blocks", "nested", "100,000 blocks inside each other",
			func() *script { return nested(100_000, "\x02\x40") }, Refused),
		ends("br-table-full", "a br_table of 65,520 targets, as many as may be",
			body("", i32(0)+"\x0e"+same(65_520, "\x00")+"\x00"), Harmless),
		refused("br-table-over", "65521", "a br_table of a target more",
			body("", i32(0)+"\x0e"+same(65_521, "\x00")+"\x00")),
		large("br-table-millions", "", "a br_table of 4,000,000 targets",
			func() *script { return body("", i32(0)+"\x0e"+same(4_000_000, "\x00")+"\x00") }, Refused),
		ends("dead-code", "60,000 bytes of unreachable instructions", body("", strings.Repeat(unreachable, 60_000)),
			Harmless, Refused),
		ends("nops", "60,000 instructions that do nothing", before(strings.Repeat(nop, 60_000)), Harmless, Refused),
	}
}

// names are names that lie, that are too long, or that stand for others.
func names() []Module {
	exported := func(titles ...string) *script {
		s := good()
		for _, title := range titles {
			s.export(title, 1)
		}
		return s
	}
	trailing := func(tail string) *script {
		s := good()
		s.tail = tail
		return s
	}
	// The name section's first part is the module's own name.
	called := func(title string) string { return custom("name", "\x00"+name(name(title))) }
	start := func(body string) *script {
		s := good()
		s.start = u32(s.function(":", "", body))
		return s
	}
	from := func(module, title, text string) *script {
		s := good()
		s.imports = append(s.imports, name(module)+name(title)+"\x00"+u32(s.signature(text)))
		return s
	}
	host := []string{"read_context", "read_request", "read_client", "client_exists", "patch_client", "set_client_id",
		"call_base", "refuse", "log", "random", "now"}
	return []Module{
		ends("pose-as-host", "is named registrar_v1 and exports the host's functions", func() *script {
			s := exported(host...)
			s.tail = called("registrar_v1")
			return s
		}(), Harmless),
		ends("pose-as-wasi", "is named wasi_snapshot_preview1 and exports WASI's functions", func() *script {
			s := exported("fd_write", "random_get", "proc_exit")
			s.tail = called("wasi_snapshot_preview1")
			return s
		}(), Harmless),
		ends("name-section-lies", "a name section that promises 2^32-1 names",
			trailing(custom("name", "\x01"+name(manyLEB))), Harmless),
		ends("name-section-twice", "two name sections, one before all", func() *script {
			s := trailing(called("a"))
			s.lead = called("b")
			return s
		}(), Harmless),
		ends("debug-info-lies", "debug information that is none",
			trailing(custom(".debug_info", strings.Repeat("\xff", 4096))+custom(".debug_abbrev",
				strings.Repeat("\xff", 4096))+
				custom(".debug_line", strings.Repeat("\xff", 4096))), Harmless),
		refused("name-custom-giant", "65536", "a custom section whose name has 64 KiB",
			trailing(custom(strings.Repeat("n", 65_536), ""))),
		large("name-export-giant", "1048576", "an export whose name has 1 MiB",
			func() *script { return exported(strings.Repeat("n", 1<<20)) }, Refused),
		refused("export-twice", "memory", "two exports of one name", exported("memory")),
		refused("export-step-twice", "add_client_id", "one step exported twice", exported("add_client_id")),
		ends("export-terminal", "exports whose names hold escape sequences, line breaks and no characters at all",
			exported("\x1b]0;owned\x07\x1b[2J", "line\nmsg=forged", "", "\u202edi_tneilc", `"},{"x":"`), Harmless),
		ends("export-alike", "exports that look like steps: other cases, characters and spaces",
			exported("Add_Client_ID", "add_client_id ", "add_client_\u0456d", "add_client_id\x00"), Harmless),
		refused("start", "start section", "a start section", start("")),
		refused("start-endless", "start section", "a start section that runs for ever", start(forever(""))),
		refused("import-other-script", "prefix-id", "imports another script's function",
			from("prefix-id", "add_client_id", ":i")),
		refused("import-itself", "", "imports from a module without a name", from("", "add_client_id", ":i")),
		refused("import-host-memory", "memory", "imports a memory of the host",
			good().replace(secImport, vec(name("registrar_v1")+name("call_base")+"\x00\x00",
				name("registrar_v1")+name("memory")+"\x02\x00\x01")).replace(secMemory, vec())),
		refused("import-next-version", "registrar_v2", "imports from a version to come",
			from("registrar_v2", "call_base", ":i")),
		refused("import-type", "call_base", "imports call_base with another type",
			from("registrar_v1", "call_base", "IIII:I")),
	}
}

// metering goes for the counters of fuel and depth that the server adds to a module.
func metering() []Module {
	spin := forever("")
	global := func(index uint32) *script {
		s := before(i64(1<<62) + setG(index) + spin)
		s.globals = []string{tI64 + "\x01" + i64(0) + end}
		return s
	}
	exported := func(titles ...string) *script {
		s := before(i64(1<<62) + setG(0) + i32(0) + setG(1) + spin)
		s.globals = []string{tI64 + "\x01" + i64(0) + end, tI32 + "\x01" + i32(0) + end}
		for _, title := range titles {
			s.exports = append(s.exports, name(title)+"\x03\x00")
		}
		return s
	}
	imported := func(kind, title string) *script {
		return good().replace(secImport, vec(name("registrar_v1")+name("call_base")+"\x00\x00",
			name("registrar_v1")+name(title)+kind))
	}
	reserved := func(kind, title string) *script {
		s := good()
		s.globals = []string{tI64 + "\x01" + i64(0) + end}
		s.exports = append(s.exports, name(title)+kind+"\x00")
		return s
	}
	return []Module{
		refused("meter-global-1", "global", "sets the global after its own last one, where a counter might be",
			global(1)),
		refused("meter-global-2", "global", "sets the one after that", global(2)),
		refused("meter-function", "function", "calls the function after its own last one", before(forever(call(2)))),
		refused("meter-import-fuel", "only functions", "imports a counter as a global that it may set",
			imported("\x03"+tI64+"\x01", "fuel")),
		refused("meter-import-depth", "only functions", "imports the depth as a global that it may set",
			imported("\x03"+tI32+"\x01", "depth")),
		refused("meter-import-function", "add_fuel", "imports a function that adds fuel",
			imported("\x00\x00", "add_fuel")),
		refused("meter-import-event", "registrar_metering", "imports the function that the server adds",
			good().replace(secImport,
				vec(name("registrar_v1")+name("call_base")+"\x00\x00",
					name("registrar_metering")+name("event")+"\x00\x00"))),
		refused("meter-export-fuel", "reserved", "exports a global under the name of the counter of fuel",
			reserved("\x03", "registrar_metering.fuel")),
		refused("meter-export-calls", "reserved", "exports a global under the name of the counter of calls",
			reserved("\x03", "registrar_metering.calls")),
		refused("snapshot-export-global", "reserved",
			"exports a global under a name by which the server saves instances",
			reserved("\x03", "registrar_snapshot.global.0")),
		refused("meter-export-other", "reserved", "exports a function under a reserved name",
			reserved("\x00", "registrar_metering")),
		ends("meter-export", "exports globals of its own under likely names of counters, sets them and runs for ever",
			exported("fuel", "depth", "__fuel", "__depth", "registrar_fuel", "registrar_depth", "registrar.fuel",
				"registrar.depth", "$fuel", "$depth"), Failed, Refused),
		ends("meter-return-every-way",
			"5,000 calls that return by return, br, br_if, br_table and an end: each must give its depth back",
			returnEveryWay(), Harmless),
		ends("meter-dead-code", "code after unreachable whose types are anything", deadCode(), Harmless),
		ends("meter-multi-value", "a loop with parameters and results, for ever", func() *script {
			s := empty()
			pair := s.signature("ii:ii")
			base := s.imported("call_base")
			return s.step("add_client_id", "", i32(1)+i32(2)+"\x03"+s64(int64(pair))+br(0)+end+drop+drop+call(base))
		}(), Failed),
		ends("meter-long-block", "a loop around 20,000 instructions without a branch, for ever",
			before(forever(strings.Repeat(i32(1)+drop, 10_000))), Failed),
		ends("meter-huge-length", "memory.fill of 2^32-1 bytes: what it costs must not wrap around",
			before(i32(0)+i32(0)+i32(maxU32)+memoryFill), Failed),
	}
}

// returnEveryWay calls, 1,000 times each, functions that return in five ways.
func returnEveryWay() *script {
	s := empty()
	base := s.imported("call_base")
	calls := ""
	for _, body := range []string{ret, br(0), i32(1) + brIf(0), i32(7) + brTable(0, 0, 0),
		block(i32(0) + brTable(1, 1)), ""} {
		calls += call(s.function(":", "", body))
	}
	return s.step("add_client_id", someLocals, times(1000, 0, calls)+call(base))
}

// deadCode stands after an unreachable: there the stack holds whatever is taken from it.
func deadCode() *script {
	s := good()
	s.function("i:I", someLocals, unreachable+add+drop+"\x1b"+drop+loop(unreachable+brIf(0)+mul64+drop)+brTable(0, 0,
		0)+memoryCopy+add64)
	s.function(":i", "", i32(0)+br(0)+memoryFill+when(unreachable+mul+drop)+add)
	return s
}
