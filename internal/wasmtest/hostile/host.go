package hostile

import (
	"slices"
	"strings"
)

// A hostCall is a call of a host function with arguments that are right.
type hostCall struct {
	function string
	step     string // in which it works
	call     string // with the function at index 1
}

const (
	anyStep = "add_client_id"
	secrets = "generate_secret"
	// buffer is where functions write to, beyond the texts of a case.
	buffer = 4096
)

// hostCalls are calls that may be repeated without end, as far as the contract goes. The memory holds hostText.
func hostCalls() []hostCall {
	f := call(1)
	reading := i32(buffer) + i32(32<<10) + f + drop
	var calls []hostCall
	for _, function := range []string{"read_context", "read_request", "read_client", "read_statement", "read_caller",
		"read_config"} {
		calls = append(calls, hostCall{function, anyStep, reading})
	}
	return append(calls,
		hostCall{"client_exists", anyStep, i32(0) + i32(6) + f + drop},
		hostCall{"patch_client", anyStep, i32(8) + i32(19) + f + drop},
		hostCall{"patch_request", "set_client_name", i32(8) + i32(19) + f + drop},
		hostCall{"set_client_id", anyStep, i32(0) + i32(6) + f},
		hostCall{"set_client_secret", secrets, i32(32) + i32(32) + i64(0) + f},
		hostCall{"get_item", anyStep, i32(0) + i32(6) + i32(buffer) + i32(4096) + f + drop},
		hostCall{"set_item", anyStep, i32(0) + i32(6) + i32(buffer) + i32(4096) + f},
		hostCall{"refuse", anyStep, i32(0) + i32(6) + i32(0) + i32(64) + f},
		hostCall{"log", anyStep, i32(1) + i32(0) + i32(64) + f},
		hostCall{"random", anyStep, i32(buffer) + i32(0) + f},
		hostCall{"now", anyStep, f + drop},
		hostCall{"fd_write", anyStep, i32(128) + i32(0) + store(0) + i32(128) + i32(64) + store(4) + i32(1) + i32(128) +
			i32(1) + i32(buffer) + f + drop},
		hostCall{"random_get", anyStep, i32(buffer) + i32(0) + f + drop},
		hostCall{"clock_time_get", anyStep, i32(1) + i64(0) + i32(buffer) + f + drop},
		hostCall{"poll_oneoff", anyStep, i32(256) + i32(buffer) + i32(1) + i32(128) + f + drop},
		hostCall{"sched_yield", anyStep, f + drop},
		hostCall{"path_open", anyStep, strings.Repeat(i32(0), 5) + i64(0) + i64(0) + i32(0) + i32(0) + f + drop},
	)
}

// hostText is an ID, a patch and a secret, in their places.
const hostText = "nobody\x00\x00" + `{"client_name":"x"}` + "\x00\x00\x00\x00\x00" + "0123456789abcdef0123456789abcdef"

// of is a script whose step runs a body, in which the functions have the indices from 1, and then its base.
func of(step, body string, functions ...string) *script {
	s := empty()
	base := s.imported("call_base")
	for _, f := range functions {
		s.imported(f)
	}
	s.text(0, hostText)
	return s.step(step, someLocals, body+call(base))
}

// hostLoops call one host function for ever. What a call costs the host must cost the script.
func hostLoops() []Module {
	var modules []Module
	for _, c := range hostCalls() {
		modules = append(modules, ends("endless-"+c.function, "calls "+c.function+" for ever",
			of(c.step, forever(c.call), c.function), Failed, Saturated))
	}
	return modules
}

// hostRanges give each host function ranges outside the memory.
func hostRanges() []Module {
	const far = maxU32 - 15 // with a length of 32 it wraps around
	f, wrapped := call(1), i32(far)+i32(32)
	var modules []Module
	for _, c := range []hostCall{
		{"read_context", anyStep, wrapped + f + drop}, {"read_request", anyStep, wrapped + f + drop},
		{"read_client", anyStep, wrapped + f + drop},
		{"read_statement", anyStep, wrapped + f + drop}, {"read_caller", anyStep, wrapped + f + drop},
		{"read_config", anyStep, wrapped + f + drop},
		{"client_exists", anyStep, wrapped + f + drop}, {"patch_client", anyStep, wrapped + f + drop},
		{"patch_request", anyStep, wrapped + f + drop}, {"set_client_id", anyStep, wrapped + f},
		{"set_client_secret", secrets, wrapped + i64(0) + f},
		{"get_item", anyStep, i32(0) + i32(6) + wrapped + f + drop},
		{"set_item", anyStep, i32(0) + i32(6) + wrapped + f}, {"refuse", anyStep, i32(0) + i32(6) + wrapped + f},
		{"log", anyStep, i32(1) + wrapped + f}, {"random", anyStep, wrapped + f},
	} {
		modules = append(modules, ends("range-"+c.function, c.function+" of a range that wraps around 2^32",
			of(c.step, c.call, c.function), Failed))
	}
	whole := func(function, call string) Module {
		return ends("whole-"+function, function+" of 2^32-1 bytes", of(anyStep, call, function), Failed)
	}
	all := i32(0) + i32(maxU32) + f
	return append(modules, whole("read_request", all+drop), whole("patch_client", all+drop),
		whole("patch_request", all+drop), whole("set_client_id", all), whole("random", all),
		whole("set_item", i32(0)+i32(6)+all), whole("refuse", i32(0)+i32(6)+all), whole("log", i32(1)+all),
		ends("range-wasi", "WASI functions with ranges outside the memory: each must answer an error", wasiRanges(),
			Harmless))
}

// wasiRanges traps unless each call answers an error.
func wasiRanges() *script {
	const far = maxU32 - 3
	write, random, clock, poll, args, environ, stat := call(1), call(2), call(3), call(4), call(5), call(6), call(7)
	vector := func(address, length uint32) string {
		return i32(128) + i32(address) + store(0) + i32(128) + i32(length) + store(4)
	}
	one := i32(1) + i32(128) + i32(1) + i32(0) + write + must
	return of(anyStep, strings.Join([]string{
		i32(1) + i32(far) + i32(1) + i32(0) + write + must,
		i32(1) + i32(0) + i32(maxU32) + i32(0) + write + must,
		i32(1) + i32(0) + i32(1<<29) + i32(0) + write + must, // times eight it is 0
		vector(far, 32) + one,
		vector(0, maxU32) + one,
		vector(0, 8) + i32(1) + i32(128) + i32(1) + i32(far+2) + write + must,
		i32(far) + i32(32) + random + must,
		i32(1) + i64(0) + i32(far) + clock + must,
		i32(77) + i64(0) + i32(0) + clock + must,
		i32(far) + i32(0) + i32(1) + i32(0) + poll + must,
		i32(0) + i32(far) + i32(1) + i32(0) + poll + must,
		i32(0) + i32(0) + i32(1) + i32(far+1) + poll + must,
		i32(0) + i32(0) + i32(maxU32) + i32(0) + poll + must,
		i32(0) + i32(0) + i32(89_478_486) + i32(0) + poll + must, // times 48 it is 32
		i32(far+2) + i32(0) + args + must,
		i32(0) + i32(far+2) + environ + must,
		i32(1) + i32(far) + stat + must,
	}, ""), "fd_write", "random_get", "clock_time_get", "poll_oneoff", "args_sizes_get", "environ_sizes_get",
		"fd_fdstat_get")
}

// hostValues hand the host values that are huge, deep, many or wrong.
func hostValues() []Module {
	const all = 256 << 16
	f := call(1)
	wide := func(body string, functions ...string) *script { return of(anyStep, body, functions...).pages(256) }
	// vectors are 1,024 buffers, each the whole memory, at 65,536.
	vectors := times(1024, 0, get(0)+i32(8)+mul+i32(0)+store(65_528)+get(0)+i32(8)+mul+i32(all)+store(65_532))
	write := i32(1) + i32(65_536) + i32(1024) + i32(buffer) + f + drop
	returns := func(result uint32, s *script, body string) *script {
		return s.step(anyStep, someLocals, body+i32(result))
	}
	value := func(length uint32) *script {
		s := empty()
		s.pages(4)
		refuse := s.imported("refuse")
		return returns(1, s, i32(0)+i32(7)+i32(length)+memoryFill+i32(0)+i32(length)+i32(0)+i32(length)+call(refuse))
	}
	texts := func(body string, texts ...string) *script { // each text alone, its result must not be 0
		s := empty()
		base, patch := s.imported("call_base"), s.imported("patch_client")
		at, calls := uint32(0), ""
		for _, text := range texts {
			s.text(at, text)
			calls += i32(at) + i32(uint32(len(text))) + call(patch) + must
			at += uint32(len(text))
		}
		return s.step("set_client_name", someLocals, call(base)+drop+calls+body+i32(0))
	}
	id := func(text string) *script {
		s := empty()
		set := s.imported("set_client_id")
		s.text(0, text)
		return returns(0, s, i32(0)+i32(uint32(len(text)))+call(set))
	}
	return append(hostRequests(), []Module{
		ends("fd-write-vectors", "fd_write of 1,024 vectors that all are the whole memory, for ever",
			wide(vectors+forever(write), "fd_write"), Failed, Saturated),
		ends("fd-write-lines", "the same where each byte is a line",
			wide(i32(0)+i32(10)+i32(all)+memoryFill+vectors+forever(write), "fd_write"), Failed, Saturated),
		ends("poll-flood", "poll_oneoff of 1,024 subscriptions that overlap with their events, for ever",
			wide(forever(i32(0)+i32(16)+i32(1024)+i32(all-8)+f+drop), "poll_oneoff"), Failed, Saturated),
		ends("log-flood", "10,000 lines of 100 bytes", of(anyStep, times(10_000, 0, i32(maxU32)+i32(0)+i32(100)+f),
			"log"), Harmless),
		ends("log-huge", "1,000 lines of 16 MiB", wide(times(1000, 0, i32(3)+i32(0)+i32(all)+f), "log"), Harmless,
			Failed),
		ends("log-forged", "lines that look like the server's, with line breaks, escape sequences and bytes that "+
			"are no UTF-8", forgedLines(), Harmless),
		ends("item-huge", "an item of 2^31 bytes", of(anyStep, i32(0)+i32(6)+i32(0)+i32(1<<31)+f, "set_item"), Failed),
		ends("item-key-huge", "an item whose key has 2^31 bytes",
			of(anyStep, i32(0)+i32(1<<31)+i32(0)+i32(6)+f, "set_item"), Failed),
		ends("items-many", "items without end, each under a key of its own",
			of(anyStep, forever(i32(64)+get(0)+i32(1)+add+tee(0)+store(0)+i32(64)+i32(4)+i32(0)+i32(64)+f), "set_item"),
			Failed),
		ends("refuse-128k", "refuses with a code and a description of 128 KiB of control characters", value(128<<10),
			Denied),
		ends("refuse-over", "the same with a byte more", value(128<<10+1), Failed),
		ends("id-empty", "a client ID without characters", id(""), Failed),
		ends("id-dots", "the client ID ..", id(".."), Failed),
		ends("id-url", "a client ID that names a metadata document", id("https://attacker.example/client"), Failed),
		ends("id-header", "a client ID with a line break and a header", id("a\r\nSet-Cookie: a=b"), Failed),
		ends("id-no-utf8", "a client ID that is no UTF-8", id("a\xff\xfe"), Failed),
		ends("secret-never-ends", "a secret that expires in 2^63-1 seconds",
			of(secrets, i32(32)+i32(32)+i64(1<<63-1)+f, "set_client_secret"), Failed),
		ends("secret-long-ago", "a secret that expired 2^63 seconds ago",
			of(secrets, i32(32)+i32(32)+i64(-1<<63)+f, "set_client_secret"), Failed),
		ends("patch-deep", "a patch of 60,000 arrays inside each other: it must be no valid patch",
			deepPatch(60_000, 0, must), Harmless),
		ends("patch-deep-within", "the same with 9,000, which JSON libraries take", deepPatch(9_000, 0, drop), Harmless,
			Failed),
		ends("patch-deep-heavy",
			"the same around a string of 100 KB, which a merge may copy at each depth: seconds and gigabytes in one "+
				"call", deepPatch(9_000, 100_000, drop), Harmless, Failed),
		ends("patch-duplicates",
			"patches with a member given twice, once by an escape, once deep inside: none may be valid", texts("",
				`{"client_name":"a","client_name":"b"}`, `{"client_name":"a","client_n\u0061me":"b"}`,
				`{"jwks":{"keys":[],"keys":[]}}`), Harmless),
		ends("patch-broken", "patches that are no JSON, no object, no UTF-8, or two documents: none may be valid",
			texts("",
				"", "null", "[]", `"x"`, "{", `{"client_name":"\ud800"}`, "{\"client_name\":\"\xff\"}", `{}{}`,
				`{"client_name":"a",}`, "\xef\xbb\xbf{}"), Harmless),
		ends("patch-reserved", "patches of what only the server sets, by escapes too: none may be valid", texts("",
			`{"client_id":"x"}`, `{"client\u005fid":"x"}`, `{"client_secret":"x"}`, `{"client_secret_expires_at":0}`,
			`{"registration_access_token":"x"}`), Harmless),
		ends("patch-many", "a list of 40,000 contacts", manyContacts(), Harmless, Failed),
		ends("patch-growing", "patches that add a member of 120 KB each, ten times", growingPatch(10), Failed,
			Saturated, Harmless),
		ends("patch-growing-endless", "the same for ever", growingPatch(maxU32), Failed, Saturated),
		ends("entropy", "asks for all entropy twice", of(anyStep, strings.Repeat(i32(buffer)+i32(4096)+f, 2), "random"),
			Failed),
		ends("entropy-slowly", "takes entropy byte by byte for ever",
			of(anyStep, forever(i32(buffer)+i32(1)+f), "random"), Failed),
		ends("entropy-wasi", "the same by random_get", of(anyStep, forever(i32(buffer)+i32(1)+f+drop), "random_get"),
			Failed),
		ends("base-twice", "calls its base twice", before(call(0)+drop), Failed),
		ends("base-endless", "calls its base for ever", before(forever(call(0)+drop)), Failed),
		ends("trap-after-all", "calls its base, changes everything and traps: nothing of it may be stored",
			trapAfterAll(), Failed),
		ends("exit-0", "ends as if all were well, without an ID", of(anyStep, i32(0)+f, "proc_exit"), Failed),
		ends("exit-max", "ends with the exit status 2^32-1", of(anyStep, i32(maxU32)+f, "proc_exit"), Failed),
		ends("exit-after-base", "ends as if all were well after its base", func() *script {
			s := empty()
			base, exit := s.imported("call_base"), s.imported("proc_exit")
			return s.step(anyStep, "", call(base)+drop+i32(0)+call(exit)+i32(0))
		}(), Harmless, Failed),
		ends("returns-max", "returns 2^32-1", returns(maxU32, empty(), ""), Failed),
	}...)
}

// forgedLines logs what a reader of the log, or a terminal, might take for something else.
func forgedLines() *script {
	s := empty()
	base, log := s.imported("call_base"), s.imported("log")
	text := "ok\"}\n{\"level\":\"ERROR\",\"msg\":\"listening\",\"public\":\"http://attacker.example\"}\r\n" +
		"\x1b[2J\x1b]0;owned\x07\xff\xfe\x00\u202e"
	s.text(0, text)
	return s.step(anyStep, "", i32(2)+i32(0)+i32(uint32(len(text)))+call(log)+call(base))
}

// deepPatch patches in n arrays inside each other, around a string of size characters. handle takes the result.
func deepPatch(n, size uint32, handle string) *script {
	return deepPatchBy("patch_client", n, size, handle)
}

// deepPatchBy is deepPatch with patch_client or patch_request.
func deepPatchBy(function string, n, size uint32, handle string) *script {
	s := empty()
	s.pages(4)
	base, patch := s.imported("call_base"), s.imported(function)
	const lead = `{"jwks":`
	s.text(0, lead)
	end, body := uint32(len(lead)), ""
	for _, part := range []struct {
		times uint32
		b     byte
	}{{n, '['}, {1, '"'}, {size, 'x'}, {1, '"'}, {n, ']'}, {1, '}'}} {
		body += i32(end) + i32(uint32(part.b)) + i32(part.times) + memoryFill
		end += part.times
	}
	return s.step("set_client_name", someLocals, call(base)+drop+body+i32(0)+i32(end)+call(patch)+handle+i32(0))
}

// manyContacts patches in 40,000 empty contacts.
func manyContacts() *script {
	s := empty()
	s.pages(4)
	base, patch := s.imported("call_base"), s.imported("patch_client")
	const lead, n = `{"contacts":[""`, 40_000
	at := uint32(len(lead))
	s.text(0, lead)
	byteAt := func(offset uint32, b byte) string {
		return get(0) + i32(3) + mul + i32(uint32(b)) + "\x3a\x00" + u32(offset)
	}
	return s.step("set_client_name", someLocals, call(base)+drop+
		times(n, 0, byteAt(at-3, ',')+byteAt(at-2, '"')+byteAt(at-1, '"'))+
		i32(at+3*n)+i32(']')+i32(1)+memoryFill+i32(at+3*n+1)+i32('}')+i32(1)+memoryFill+
		i32(0)+i32(at+3*n+2)+call(patch)+drop+i32(0))
}

// growingPatch patches in n names of 120 KB, each in a language of its own.
func growingPatch(n uint32) *script {
	s := empty()
	s.pages(4)
	base, patch := s.imported("call_base"), s.imported("patch_client")
	const lead, value = `{"client_name#x-aaa":"`, 120_000
	at := uint32(len(lead))
	s.text(0, lead)
	return s.step("set_client_name", someLocals, call(base)+drop+
		i32(at)+i32('v')+i32(value)+memoryFill+i32(at+value)+i32('"')+i32(1)+memoryFill+
		i32(at+value+1)+i32('}')+i32(1)+memoryFill+
		times(n, 0, letterOf(at-4, 1)+letterOf(at-5, 26)+letterOf(at-6,
			676)+i32(0)+i32(at+value+2)+call(patch)+drop)+i32(0))
}

// trapAfterAll does everything that a step may, and traps.
func trapAfterAll() *script {
	functions := []string{"patch_client", "set_client_id", "set_item", "log", "refuse", "random"}
	at := func(f string) string { return call(uint32(slices.Index(functions, f)) + 1) }
	return of(anyStep, call(0)+drop+
		i32(8)+i32(19)+at("patch_client")+drop+
		i32(0)+i32(6)+at("set_client_id")+
		i32(0)+i32(6)+i32(0)+i32(64)+at("set_item")+
		i32(3)+i32(0)+i32(64)+at("log")+
		i32(0)+i32(6)+i32(0)+i32(64)+at("refuse")+
		i32(buffer)+i32(4096)+at("random")+unreachable, functions...)
}

// initializations do in _initialize what belongs elsewhere, or too much of it.
func initializations() []Module {
	with := func(body string, functions ...string) *script {
		s := of(anyStep, "", functions...)
		s.pages(1)
		s.export("_initialize", s.function(":", someLocals, body))
		return s
	}
	f := call(1)
	concerns := func(function, call string) Module {
		return ends("initialize-"+function, "calls "+function+" in _initialize, where there is no registration",
			with(call, function), Refused)
	}
	return []Module{
		ends("initialize-endless", "_initialize never ends", with(forever("")), Refused),
		ends("initialize-recursion", "_initialize calls itself for ever", func() *script {
			s := good()
			s.export("_initialize", s.function(":", "", call(s.next())))
			return s
		}(), Refused),
		ends("initialize-trap", "_initialize traps", with(unreachable), Refused),
		ends("initialize-call_base", "calls call_base in _initialize, where there is no registration",
			with(call(0)+drop), Refused),
		concerns("client_exists", i32(0)+i32(6)+f+drop),
		concerns("patch_client", i32(8)+i32(19)+f+drop),
		concerns("patch_request", i32(8)+i32(19)+f+drop),
		concerns("set_client_id", i32(0)+i32(6)+f),
		concerns("set_item", i32(0)+i32(6)+i32(0)+i32(6)+f),
		concerns("read_request", i32(buffer)+i32(4096)+f+drop),
		concerns("refuse", i32(0)+i32(6)+i32(0)+i32(6)+f),
		ends("initialize-grow", "_initialize takes all memory that it gets, and writes to each page", with(growAll),
			Harmless),
		ends("initialize-entropy", "_initialize asks for more entropy than there is",
			with(i32(buffer)+i32(4097)+f, "random"), Refused),
		ends("initialize-log", "_initialize logs 10,000 lines", with(times(10_000, 0, i32(1)+i32(0)+i32(64)+f), "log"),
			Harmless),
		ends("initialize-exit", "_initialize ends the program as if all were well", with(i32(0)+f, "proc_exit"),
			Harmless, Failed, Refused),
		ends("initialize-exit-failed", "_initialize ends the program with the exit status 3",
			with(i32(3)+f, "proc_exit"), Refused),
	}
}

// harmless modules look odd, or use what they get to the full, and must work.
func harmless() []Module {
	padded := "\x81\x80\x80\x80\x00"
	return []Module{
		ends("control", "nothing: what all the others are made from", good(), Harmless),
		ends("leb-padded", "counts and constants of five bytes that could have one", func() *script {
			s := before("\x41\x80\x80\x80\x80\x00" + drop)
			return s.replace(secExport, "\x82\x80\x80\x80\x00"+strings.Join(s.exports, "")).replace(secMemory,
				padded+"\x00"+padded)
		}(), Harmless),
		ends("read-over-itself", "reads the request over all of its memory",
			of(anyStep, i32(0)+i32(65_536)+call(1)+drop, "read_request"), Harmless),
		ends("last-byte", "reads with a buffer of no bytes at the memory's very end",
			of(anyStep, i32(65_536)+i32(0)+call(1)+drop, "read_request"), Harmless),
		ends("stack-deep", "900 calls deep and back", func() *script {
			s := empty()
			base, itself := s.imported("call_base"), s.next()
			s.function("i:", "", get(0)+"\x04\x40"+get(0)+i32(1)+sub+call(itself)+end)
			return s.step(anyStep, "", i32(900)+call(itself)+call(base))
		}(), Harmless),
	}
}
