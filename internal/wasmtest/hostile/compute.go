package hostile

import "strings"

// recursions go deeper than there is stack, or wider than there is time.
func recursions() []Module {
	endless := func(text, locals, arguments, results string) *script {
		s := empty()
		base := s.imported("call_base")
		itself := s.next()
		s.function(text, locals, arguments+call(itself))
		return s.step("add_client_id", "", arguments+call(itself)+results+call(base))
	}
	return []Module{
		ends("recursion", "a function that calls itself for ever", endless(":", "", "", ""), Failed),
		ends("recursion-mutual", "two functions that call each other for ever", func() *script {
			s := empty()
			base := s.imported("call_base")
			first := s.function(":", "", call(s.next()+1))
			s.function(":", "", call(first))
			return s.step("add_client_id", "", call(first)+call(base))
		}(), Failed),
		ends("recursion-indirect", "a function that calls itself through a table for ever", func() *script {
			s := empty()
			base, plain := s.imported("call_base"), s.signature(":")
			itself := s.function(":", "", i32(0)+callIndirect(plain))
			s.tables, s.elements = []string{"\x70\x00\x01"}, []string{"\x00" + i32(0) + end + vec(u32(itself))}
			return s.step("add_client_id", "", call(itself)+call(base))
		}(), Failed),
		ends("recursion-step", "a step that calls itself for ever", func() *script {
			s := empty()
			return s.step("add_client_id", "", call(s.next()))
		}(), Failed),
		ends("recursion-wide-frame", "the same with 1,000 locals that all live on in each frame", wideFrame(1000),
			Failed, Refused),
		ends("recursion-widest-frame", "the same with 10,000", wideFrame(10_000), Failed, Refused),
		ends("recursion-parameters", "the same with 1,000 parameters and 1,000 results",
			endless(strings.Repeat("I", 1000)+":"+strings.Repeat("I", 1000), "",
				strings.Repeat(i64(1), 1000), strings.Repeat(drop, 1000)), Failed, Refused),
		ends("recursion-vectors", "the same with 1,000 vectors", endless(":", groups(group(1000, tV128)), "", ""),
			Failed, Refused),
		ends("chain-40", "40 functions without a loop, each calls the next one twice: 2^40 calls", chain(40), Failed),
		ends("chain-1000", "the same with 1,000 functions", chain(1000), Failed),
		ends("recursion-across-base", "900 calls deep in each of two steps that nest, then for ever", acrossBase(),
			Failed),
	}
}

// wideFrame recurses with n locals that are set before the call and read after it.
func wideFrame(n uint32) *script {
	s := empty()
	base := s.imported("call_base")
	itself := s.next()
	var body strings.Builder
	for i := range n {
		body.WriteString(get(0) + i64(int64(i)) + add64 + set(i+1))
	}
	body.WriteString(get(1) + call(itself))
	for i := range n {
		body.WriteString(get(i+1) + add64)
	}
	s.function("I:I", groups(group(n, tI64)), body.String())
	return s.step("add_client_id", "", i64(1)+call(itself)+drop+call(base))
}

// chain has n functions, each of which calls the next one twice.
func chain(n int) *script {
	s := empty()
	base := s.imported("call_base")
	first := s.next()
	for range n - 1 {
		next := s.next() + 1
		s.function(":", "", call(next)+call(next))
	}
	s.function(":", "", "")
	return s.step("add_client_id", "", call(first)+call(base))
}

// acrossBase goes deep in add_client_secret, calls its base there, and deeper in generate_secret, which runs inside it.
func acrossBase() *script {
	s := empty()
	base := s.imported("call_base")
	deep := s.next()
	s.function("i:i", "", get(0)+eqz+"\x04\x7f"+call(base)+elseOf+get(0)+i32(1)+sub+call(deep)+end)
	s.step("add_client_secret", "", i32(900)+call(deep))
	return s.step("generate_secret", "", i32(maxU32)+call(deep))
}

// bulk moves much with few instructions.
func bulk() []Module {
	const all = 256 << 16 // the memory, in bytes
	full := func(body string) *script { return before(body).pages(256) }
	fill := i32(0) + i32(1) + i32(all) + memoryFill
	moved := i32(0) + i32(1) + i32(all-1) + memoryCopy
	passive := func(body string) *script {
		s := before(body).pages(2)
		s.data, s.dataCount = []string{"\x01" + name(strings.Repeat("d", 32<<10))}, "\x01"
		return s
	}
	init := i32(0) + i32(0) + i32(32<<10) + "\xfc\x08\x00\x00"
	table := func(body string) *script {
		s := before(body)
		s.tables = []string{"\x70\x00" + u32(65_536)}
		s.elements = []string{"\x01\x00" + same(1024, "\x01")}
		return s
	}
	grow := func(by uint32) string { return i32(by) + memoryGrow + drop }
	return []Module{
		ends("fill-straight", "1,000 times memory.fill of 16 MiB, without a loop", full(strings.Repeat(fill, 1000)),
			Failed),
		ends("fill-loop", "memory.fill of 16 MiB for ever", full(forever(fill)), Failed),
		ends("copy-straight", "1,000 times memory.copy of 16 MiB onto itself, moved by a byte, without a loop",
			full(strings.Repeat(moved, 1000)), Failed),
		ends("copy-loop", "the same for ever", full(forever(moved)), Failed),
		ends("init-loop", "memory.init of 32 KiB for ever", passive(forever(init)), Failed),
		ends("init-out-of-range", "memory.init beyond its segment",
			passive(i32(0)+i32(1)+i32(32<<10)+"\xfc\x08\x00\x00"), Failed),
		ends("init-wraps", "memory.init from 2^32-1, two bytes", passive(i32(0)+i32(maxU32)+i32(2)+"\xfc\x08\x00\x00"),
			Failed),
		ends("init-dropped", "memory.init of a segment that was dropped, twice",
			passive("\xfc\x09\x00\xfc\x09\x00"+init), Failed),
		ends("copy-wraps", "memory.copy of 2^32-1 bytes", before(i32(1)+i32(2)+i32(maxU32)+memoryCopy), Failed),
		ends("load-out-of-range", "a load at 2^32-1 with an offset of 2^32-1", before(i32(maxU32)+load(maxU32)+drop),
			Failed),
		ends("store-out-of-range", "a store across the memory's end", before(i32(65_533)+i32(1)+store(0)), Failed),
		ends("table-fill-loop", "table.fill of 65,536 elements for ever",
			table(forever(i32(0)+refNull+i32(65_536)+"\xfc\x11\x00")), Failed),
		ends("table-copy-loop", "table.copy of 65,535 elements for ever",
			table(forever(i32(0)+i32(1)+i32(65_535)+"\xfc\x0e\x00\x00")), Failed),
		ends("table-init-loop", "table.init of 1,024 elements for ever",
			table(forever(i32(0)+i32(0)+i32(1024)+"\xfc\x0c\x00\x00")), Failed),
		ends("table-init-dropped", "table.init of a segment that was dropped",
			table("\xfc\x0d\x00"+i32(0)+i32(0)+i32(1)+"\xfc\x0c\x00\x00"), Failed),
		ends("table-out-of-range", "table.get at 2^32-1", table(i32(maxU32)+"\x25\x00"+drop), Failed),
		ends("call-null", "an indirect call of an element that is null", table(i32(9)+callIndirect(0)+drop), Failed),
		ends("call-mistyped", "an indirect call of a function of another type", func() *script {
			s := empty()
			base, other := s.imported("call_base"), s.signature("IIII:I")
			f := s.function(":", "", "")
			s.tables, s.elements = []string{"\x70\x00\x01"}, []string{"\x00" + i32(0) + end + vec(u32(f))}
			return s.step("add_client_id", "", strings.Repeat(i64(-1), 4)+i32(0)+callIndirect(other)+drop+call(base))
		}(), Failed),
		ends("call-out-of-range", "an indirect call of element 2^32-1", table(i32(maxU32)+callIndirect(0)+drop),
			Failed),
		refused("active-data-out-of-range", "data segment", "a data segment beyond the memory", func() *script {
			s := good()
			s.text(maxU32, "x")
			return s
		}()),
		ends("active-elements-out-of-range", "an element segment beyond the table, which wazero leaves out",
			func() *script {
				s := good()
				s.tables, s.elements = []string{"\x70\x00\x01"}, []string{"\x00" + i32(1) + end + vec(u32(1))}
				return s
			}(), Harmless, Failed, Refused),
		ends("grow-loop", "memory.grow by a page for ever", before(forever(grow(1))), Failed, Saturated),
		ends("grow-huge-loop", "memory.grow by 2^32-1 pages for ever", before(forever(grow(maxU32))), Failed,
			Saturated),
		ends("grow-nothing-loop", "memory.grow by no page for ever", before(forever(grow(0))), Failed, Saturated),
		ends("grow-all", "takes all memory that it gets, and writes to each page", before(growAll), Harmless),
		ends("grow-too-much", "traps unless memory.grow refuses 257 pages",
			before(i32(257)+memoryGrow+i32(maxU32)+"\x46"+must), Harmless),
		ends("divide-by-zero", "a division by zero", before(i32(1)+i32(0)+"\x6d"+drop), Failed),
		ends("divide-overflow", "-2^31 divided by -1", before(i32(1<<31)+i32(maxU32)+"\x6d"+drop), Failed),
		ends("convert-overflow", "an infinity as an integer",
			before(f64("\x00\x00\x00\x00\x00\x00\xf0\x7f")+"\xaa"+drop), Failed),
	}
}

// growAll grows the memory page by page until it may not, and writes to each page.
const growAll = "\x02\x40\x03\x40" + // block, loop
	"\x41\x01" + memoryGrow + "\x22\x00\x41\x7f\x46\x0d\x01" + // leaves where memory.grow answers -1
	"\x20\x00\x41\x10\x74\x41\x01\x36\x02\x00" + // stores 1 at the page's first address
	"\x0c\x00" + end + end

// loops run for ever without a call.
func loops() []Module {
	nan := "\x44\x00\x00\x00\x00\x00\x00\xf8\x7f"
	return []Module{
		ends("spin", "an empty loop", before(forever("")), Failed),
		ends("spin-br-if", "a loop by br_if", before(loop(i32(1)+brIf(0))), Failed),
		ends("spin-br-table", "a loop by br_table", before(loop(get(0)+brTable(0, 0, 0))), Failed),
		ends("spin-br-table-fallback", "a loop by br_table's last label", before(loop(i32(maxU32)+brTable(0, 0))),
			Failed),
		ends("spin-outer", "two loops, the inner one goes on with the outer one", before(loop(loop(br(1)))), Failed),
		ends("spin-if", "a loop that goes on from inside an if", before(loop(i32(1)+"\x04\x40"+br(1)+end)), Failed),
		ends("spin-else", "a loop that goes on from inside an else", before(loop(i32(0)+"\x04\x40"+elseOf+br(1)+end)),
			Failed),
		ends("spin-calls", "a loop of calls", func() *script {
			s := empty()
			base := s.imported("call_base")
			f := s.function(":", "", "")
			return s.step("add_client_id", "", forever(call(f))+call(base))
		}(), Failed),
		ends("spin-count", "a loop to 2^64", before(loop(get(4)+i64(1)+add64+tee(4)+i64(-1)+"\x52"+brIf(0))), Failed),
		ends("spin-nested", "ten loops of 1,000 rounds inside each other", func() *script {
			s := empty()
			base := s.imported("call_base")
			body := ""
			for i := range uint32(10) {
				body = times(1000, i, body)
			}
			return s.step("add_client_id", groups(group(10, tI32)), body+call(base))
		}(), Failed),
		ends("spin-divide", "a loop of the slowest arithmetic",
			before(forever(strings.Repeat(get(4)+i64(-3)+"\x7f"+i64(12_345)+"\x84"+set(4), 50))), Failed),
		ends("spin-nan", "a loop over f64 that are no numbers, with payloads, signs and square roots",
			before(forever(nan+"\x9a\x9f"+nan+"\xa0"+drop)), Failed),
		ends("spin-vectors", "a loop of vector instructions",
			before(forever("\xfd\x0c"+strings.Repeat("\xff", 16)+"\xfd\xe3\x01\xfd\xef\x01"+drop)), Failed),
		ends("spin-bulk-nothing", "a loop of memory.fill, memory.copy of no bytes",
			before(forever(i32(0)+i32(0)+i32(0)+memoryFill+i32(0)+i32(0)+i32(0)+memoryCopy)), Failed),
		ends("spin-after-base", "calls its base, then runs for ever: what the base did is discarded", func() *script {
			s := empty()
			base := s.imported("call_base")
			return s.step("add_client_id", "", call(base)+drop+forever("")+unreachable)
		}(), Failed),
		ends("spin-every-step", "each of 16 steps uses nearly all that a step may, so that the registration runs out",
			everyStep(), Failed),
	}
}

// everyStep burns fuel in each step that may be replaced, and calls its base.
func everyStep() *script {
	s := empty()
	base := s.imported("call_base")
	for _, step := range []string{"validate_software_statement", "set_grant_types", "set_redirect_uris", "set_scopes",
		"set_secrets", "set_client_name",
		"set_logout_parameters", "set_max_age", "set_user_interface_properties", "set_public_client_properties",
		"set_access_token_properties",
		"set_id_token_properties", "set_server_side_session_properties", "add_client_id", "add_client_secret",
		"build_response"} {
		s.step(step, someLocals, times(1_500_000, 0, "")+call(base))
	}
	return s
}
