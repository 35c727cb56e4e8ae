package snapshot

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"registrar/scripts/wasmbin"
)

// part returns a section with the given items.
func part(id wasmbin.SectionID, items ...string) string {
	content := string(rune(len(items))) + strings.Join(items, "")
	return string(rune(id)) + string(rune(len(content))) + content
}

const (
	header = "\x00asm\x01\x00\x00\x00"
	end    = "\x0b"
	aType  = "\x60\x00\x00"
)

// module returns a module with a page of memory, an export, and a function with the given body, globals and data.
func module(globals, data []string, body string) []byte {
	m := header + part(wasmbin.SectionType, aType) + part(wasmbin.SectionFunction, "\x00") +
		part(wasmbin.SectionTable, "\x70\x00\x01") + part(wasmbin.SectionMemory, "\x00\x01") +
		part(wasmbin.SectionGlobal, globals...) + part(wasmbin.SectionExport, "\x06memory\x02\x00") +
		part(wasmbin.SectionElement, "\x00\x41\x00\x0b\x01\x00")
	body = "\x00" + body + end
	m += string(rune(wasmbin.SectionDataCount)) + "\x01" + string(rune(len(data))) +
		part(wasmbin.SectionCode, string(rune(len(body)))+body) + part(wasmbin.SectionData, data...)
	return []byte(m)
}

func prepare(t *testing.T, wasm []byte) ([]byte, *wasmbin.Module, Layout) {
	t.Helper()
	m, err := wasmbin.Decode(wasm)
	if err != nil {
		t.Fatal(err)
	}
	prepared, l, err := Prepare(wasm, wasm, m)
	if err != nil {
		t.Fatal(err)
	}
	m, err = wasmbin.Decode(prepared)
	if err != nil {
		t.Fatal(err)
	}
	return prepared, m, l
}

func TestPrepare(t *testing.T) {
	variable, constant := "\x7f\x01\x41\x00\x0b", "\x7e\x00\x42\x00\x0b"
	vector, reference := "\x7b\x01\xfd\x0c"+strings.Repeat("\x00", 16)+end, "\x70\x01\xd0\x70\x0b"
	for name, tt := range map[string]struct {
		globals, data []string
		body          string
		content       string
		exported      []string
		complete      bool
		inModule      bool
	}{
		"nothing": {complete: true},
		"data": {data: []string{"\x00\x41\x02\x0b\x03abc", "\x01\x01x", "\x02\x00\x41\x03\x0b\x01B"},
			content: "\x00\x00aBc", complete: true},
		"data without bytes": {data: []string{"\x00\x41\x05\x0b\x00"}, content: "\x00\x00\x00\x00\x00", complete: true},
		"globals": {globals: []string{variable, constant, variable},
			exported: []string{Reserved + ".global.0", Reserved + ".global.2"}, complete: true},
		"a vector":    {globals: []string{vector}},
		"a reference": {globals: []string{variable, reference}, exported: []string{Reserved + ".global.0"}},
		"table.set":   {body: "\x41\x00\xd0\x70\x26\x00"},
		"table.get":   {body: "\x41\x00\x25\x00\x1a", complete: true},
		"table.fill":  {body: "\x41\x00\xd0\x70\x41\x00\xfc\x11\x00"},
		"table.copy":  {body: "\x41\x00\x41\x00\x41\x00\xfc\x0e\x00\x00"},
		"table.init":  {body: "\x41\x00\x41\x00\x41\x00\xfc\x0c\x00\x00"},
		"memory.fill": {body: "\x41\x00\x41\x00\x41\x00\xfc\x0b\x00", complete: true},
		"memory.init": {data: []string{"\x01\x01x"}, body: "\x41\x00\x41\x00\x41\x00\xfc\x08\x00\x00",
			inModule: true},
		"data.drop": {data: []string{"\x00\x41\x00\x0b\x01x"}, body: "\xfc\x09\x00", inModule: true},
	} {
		t.Run(name, func(t *testing.T) {
			wasm := module(tt.globals, tt.data, tt.body)
			prepared, m, l := prepare(t, wasm)
			if tt.inModule {
				if !l.InModule || !bytes.Equal(prepared, wasm) {
					t.Error("the module has changed")
				}
				return
			}
			if string(l.Content) != tt.content || !slices.Equal(l.Globals, tt.exported) || l.Complete != tt.complete ||
				l.InModule {
				t.Errorf("got %+v, want %+v", l, tt)
			}
			if m.DataSegments != 0 || m.DataCount != nil || len(m.Exports) != 1+len(tt.exported) {
				t.Errorf("got %d data segments and the exports %v, want none and %v", m.DataSegments, m.Exports,
					tt.exported)
			}
			for _, name := range tt.exported {
				if e, ok := m.ExportNamed(name); !ok || e.Kind != wasmbin.KindGlobal ||
					!m.Globals[e.Index].Type.Mutable {
					t.Errorf("export %s: got %+v, want a mutable global", name, e)
				}
			}
		})
	}
}

func TestPrepareRefuses(t *testing.T) {
	for _, tt := range []struct{ name, wasm, want string }{
		{"data beyond the end of the memory", string(module(nil, []string{"\x00\x41\xff\xff\x03\x0b\x02xx"}, "")),
			"ends at 65537, but the memory has 65536"},
		{"data at 2^32-1", string(module(nil, []string{"\x00\x41\x7f\x0b\x01x"}, "")), "ends at 4294967296"},
		{"empty data beyond the end of the memory", string(module(nil, []string{"\x00\x41\x81\x80\x04\x0b\x00"}, "")),
			"ends at 65537"},
		{"a reserved name", header + part(wasmbin.SectionMemory, "\x00\x01") +
			part(wasmbin.SectionExport, "\x14"+Reserved+".x\x02\x00"), "reserved"},
	} {
		m, err := wasmbin.Decode([]byte(tt.wasm))
		if err != nil {
			t.Fatal(tt.name, err)
		}
		if _, _, err := Prepare([]byte(tt.wasm), []byte(tt.wasm), m); err == nil ||
			!strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// A layout with too many globals is not complete.
func TestPrepareWithManyGlobals(t *testing.T) {
	const n = maxGlobals + 1
	var globals []byte
	globals = append(globals, 0x81, 0x02) // 257
	for range n {
		globals = append(globals, "\x7f\x01\x41\x00\x0b"...)
	}
	size := len(globals)
	wasm := append([]byte(header), byte(wasmbin.SectionGlobal), byte(size&0x7f|0x80), byte(size>>7))
	_, _, l := prepare(t, append(append(wasm, globals...), part(wasmbin.SectionExport)...))
	if l.Complete || len(l.Globals) != maxGlobals {
		t.Errorf("got %d globals, complete %t, want %d, false", len(l.Globals), l.Complete, maxGlobals)
	}
}
