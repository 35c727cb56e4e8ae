package hostile

import (
	"slices"
	"strings"
)

// A script is a module that is right in all but what a case changes: its memory is exported, and so is a step.
type script struct {
	types     []string
	imports   []string
	functions []string // their types
	bodies    []string // with their locals, without their size
	tables    []string
	memory    string // its type; empty means one page
	globals   []string
	exports   []string
	start     string
	elements  []string
	data      []string
	dataCount string

	// replaced are sections whose content is not what was built.
	replaced map[byte]string
	// lead and tail are sections before and after all others.
	lead, tail string
}

// hostTypes are the signatures of what a script may import.
var hostTypes = map[string]string{
	"read_context": "ii:i", "read_request": "ii:i", "read_client": "ii:i", "read_statement": "ii:i",
	"read_caller": "ii:i", "read_config": "ii:i",
	"client_exists": "ii:i", "patch_client": "ii:i", "patch_request": "ii:i",
	"set_client_id": "ii:", "set_client_secret": "iiI:", "get_item": "iiii:i",
	"set_item": "iiii:", "call_base": ":i", "refuse": "iiii:", "log": "iii:", "random": "ii:", "now": ":I",
}

// wasiTypes are those of WASI.
var wasiTypes = map[string]string{
	"args_sizes_get": "ii:i", "environ_sizes_get": "ii:i", "random_get": "ii:i", "clock_time_get": "iIi:i",
	"poll_oneoff": "iiii:i", "fd_write": "iiii:i",
	"fd_fdstat_get": "ii:i", "sched_yield": ":i", "proc_exit": "i:", "path_open": "iiiiiIIii:i",
}

// empty is a script without a step.
func empty() *script {
	return &script{memory: "\x00\x01", exports: []string{name("memory") + "\x02\x00"}, replaced: map[byte]string{}}
}

// signature returns the index of a function type, which it adds where it is missing.
func (s *script) signature(text string) uint32 {
	t := signature(text)
	i := slices.Index(s.types, t)
	if i < 0 {
		i = len(s.types)
		s.types = append(s.types, t)
	}
	return uint32(i)
}

// imported imports a host function and returns its index. All imports stand before the first function.
func (s *script) imported(function string) uint32 {
	module, text := "registrar_v1", hostTypes[function]
	if text == "" {
		module, text = "wasi_snapshot_preview1", wasiTypes[function]
	}
	item := name(module) + name(function) + "\x00" + u32(s.signature(text))
	if i := slices.Index(s.imports, item); i >= 0 {
		return uint32(i)
	}
	s.imports = append(s.imports, item)
	return uint32(len(s.imports) - 1)
}

// function adds a function and returns its index. The locals are those of groups; empty means none.
func (s *script) function(text, locals, body string) uint32 {
	if locals == "" {
		locals = groups()
	}
	s.functions = append(s.functions, u32(s.signature(text)))
	s.bodies = append(s.bodies, locals+body+end)
	return s.next() - 1
}

// next is the index of the next function.
func (s *script) next() uint32 { return uint32(len(s.imports) + len(s.functions)) }

func (s *script) export(title string, function uint32) {
	s.exports = append(s.exports, name(title)+"\x00"+u32(function))
}

// step adds a step.
func (s *script) step(title, locals, body string) *script {
	s.export(title, s.function(":i", locals, body))
	return s
}

// text puts bytes into the memory.
func (s *script) text(at uint32, text string) { s.data = append(s.data, "\x00"+i32(at)+end+name(text)) }

// pages sets how much memory there is at first, in 64 KiB pages.
func (s *script) pages(n uint32) *script {
	s.memory = "\x00" + u32(n)
	return s
}

// replace gives a section another content.
func (s *script) replace(id byte, content string) *script {
	s.replaced[id] = content
	return s
}

// wasm puts the module together.
func (s *script) wasm() []byte {
	var b strings.Builder
	b.WriteString(header + s.lead)
	add := func(id byte, items []string) {
		content, replaced := s.replaced[id]
		switch {
		case replaced:
			b.WriteString(section(id, content))
		case len(items) > 0:
			b.WriteString(section(id, vec(items...)))
		}
	}
	plain := func(id byte, content string) {
		if content != "" {
			b.WriteString(section(id, content))
		}
	}
	add(secType, s.types)
	add(secImport, s.imports)
	add(secFunction, s.functions)
	add(secTable, s.tables)
	add(secMemory, []string{s.memory})
	add(secGlobal, s.globals)
	add(secExport, s.exports)
	plain(secStart, s.start)
	add(secElement, s.elements)
	plain(secDataCount, s.dataCount)
	var code []string
	for _, body := range s.bodies {
		code = append(code, name(body))
	}
	add(secCode, code)
	add(secData, s.data)
	b.WriteString(s.tail)
	return []byte(b.String())
}

// good is a script that does nothing but run its base: what a case adds is all that can be wrong with it.
func good() *script {
	s := empty()
	return s.step("add_client_id", "", call(s.imported("call_base")))
}

// before is a script that runs a body, and then its base. It has four locals of i32 and two of i64. Host functions
// of these names have the indices from 1.
func before(body string, functions ...string) *script {
	s := empty()
	base := s.imported("call_base")
	for _, f := range functions {
		s.imported(f)
	}
	return s.step("add_client_id", someLocals, body+call(base))
}

// someLocals are four locals of i32, from 0, and two of i64, from 4.
var someLocals = groups(group(4, tI32), group(2, tI64))
