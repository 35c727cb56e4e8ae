package javascript

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"registrar/internal/suggest"
	"registrar/scripts/wasmbin"
)

// A template is the module that scripts are packed into.
type template struct {
	bytes   []byte
	decoded *wasmbin.Module
	steps   []string // the exports that are steps
}

func newTemplate() (*template, error) {
	t := &template{bytes: []byte(templateModule)}
	var err error
	if t.decoded, err = wasmbin.Decode(t.bytes); err != nil {
		return nil, fmt.Errorf("reading the template of scripts: %w", err)
	}
	for _, e := range t.decoded.Exports {
		function, _ := t.decoded.FuncType(e.Index)
		if e.Kind == wasmbin.KindFunction && function.String() == "() -> (i32)" && !strings.HasPrefix(e.Name, "js_") {
			t.steps = append(t.steps, e.Name)
		}
	}
	return t, nil
}

// A segment is bytes at an address of the memory.
type segment struct {
	address uint32
	bytes   []byte
}

// module returns the module of a script: the template with its data, and with the exports that it has.
func (t *template) module(l loaded) []byte {
	out := slices.Clone(t.bytes[:8])
	for _, s := range t.decoded.Sections {
		content := s.Content.In(t.bytes)
		switch s.ID {
		case wasmbin.SectionExport:
			content = t.exports(l.exports)
		case wasmbin.SectionDataCount:
			content = binary.AppendUvarint(nil, uint64(t.decoded.DataSegments+len(l.data)))
		case wasmbin.SectionData:
			content = t.data(content, l.data)
		case wasmbin.SectionCustom:
			continue
		}
		out = append(out, byte(s.ID))
		out = append(binary.AppendUvarint(out, uint64(len(content))), content...)
	}
	return out
}

// exports returns the content of the export section, with those of the given steps.
func (t *template) exports(steps []string) []byte {
	var list []byte
	n := uint64(0)
	for _, e := range t.decoded.Exports {
		if e.Name == "memory" || e.Name == "_initialize" || e.Name == "_position" || slices.Contains(steps, e.Name) {
			n++
			list = append(binary.AppendUvarint(list, uint64(len(e.Name))), e.Name...)
			list = binary.AppendUvarint(append(list, byte(e.Kind)), uint64(e.Index))
		}
	}
	return append(binary.AppendUvarint(nil, n), list...)
}

// data returns the content of the data section with more segments (WebAssembly 2.0 §5.5.14).
func (t *template) data(content []byte, more []segment) []byte {
	n, length := binary.Uvarint(content)
	all := append(binary.AppendUvarint(nil, n+uint64(len(more))), content[length:]...)
	for _, s := range more {
		all = append(all, 0, 0x41) // active, in memory 0; i32.const
		all = append(appendSigned(all, int32(s.address)), 0x0b)
		all = append(binary.AppendUvarint(all, uint64(len(s.bytes))), s.bytes...)
	}
	return all
}

// appendSigned appends a signed LEB128 (WebAssembly 2.0 §5.2.2).
func appendSigned(b []byte, v int32) []byte {
	for {
		low := byte(v & 0x7f)
		v >>= 7
		if v == 0 && low&0x40 == 0 || v == -1 && low&0x40 != 0 {
			return append(b, low)
		}
		b = append(b, low|0x80)
	}
}

// checkExports refuses a script that exports something else than functions for steps, or nothing.
func (t *template) checkExports(b bundle, exports []string) error {
	var e Error
	for _, name := range exports {
		name, isValue := strings.CutPrefix(name, "!")
		text := ""
		switch {
		case name == "default":
			text = "export default names no step: export function " + t.example() + " instead"
		case !slices.Contains(t.steps, name):
			text = fmt.Sprintf("the script exports %s, which is not a step%s", name, t.meant(name))
		case isValue:
			text = fmt.Sprintf("the script exports %s, which is not a function: export function %[1]s(registrar) { … }",
				name)
		default:
			continue
		}
		p := b.exported(name)
		p.Text = text
		e.Problems = append(e.Problems, p)
	}
	if len(exports) == 0 {
		e.Problems = []Problem{{File: b.entry(), Text: "the script exports no step: export function " + t.example() +
			"; the steps are " + strings.Join(t.steps, ", ") +
			". Of a program whose compiler writes JavaScript beside a module, use the .wasm file"}}
	}
	if e.Problems == nil {
		return nil
	}
	e.Problems = e.Problems[:min(len(e.Problems), maxProblems)]
	return &e
}

func (t *template) example() string { return t.steps[0] + "(registrar) { … }" }

// meant returns what to do about an export that is not a step.
func (t *template) meant(name string) string {
	if found := suggest.DidYouMean(name, t.steps); found != "" {
		return found
	}
	return ": do not export what only the script itself uses"
}

// exported returns where the script's own file exports a name: the first line that has both the word export and the
// name. Without such a line only the file is known.
func (b *bundle) exported(name string) Problem {
	for i, line := range strings.Split(b.files[0].Text, "\n") {
		if column := word(line, name); column >= 0 && word(line, "export") >= 0 {
			return Problem{File: b.entry(), Line: i + 1, Column: column + 1, Source: cut(line)}
		}
	}
	return Problem{File: b.entry()}
}

// word returns where a line has an identifier, in characters, -1 if it does not.
func word(line, identifier string) int {
	isPart := func(r rune) bool {
		return r == '_' || r == '$' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	column := 0
	rest := line
	for field := range strings.FieldsFuncSeq(line, func(r rune) bool { return !isPart(r) }) {
		before, after, _ := strings.Cut(rest, field)
		column += len([]rune(before))
		if field == identifier {
			return column
		}
		column += len(field)
		rest = after
	}
	return -1
}
