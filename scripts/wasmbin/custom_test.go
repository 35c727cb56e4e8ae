package wasmbin

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// empty is a module without sections.
var empty = []byte("\x00asm\x01\x00\x00\x00")

// noTypes is an empty type section.
var noTypes = []byte{byte(SectionType), 1, 0}

func decoded(t *testing.T, b []byte) *Module {
	t.Helper()
	m, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestWithCustom(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 70_000) // its size takes three bytes
	other := decoded(t, empty).WithCustom(empty, "other", []byte("kept"))
	twice := slices.Concat(other, noTypes, other[len(empty):])
	for name, b := range map[string][]byte{
		"no section":                  empty,
		"another custom section":      other,
		"sections before and after":   twice,
		"the section, at the begin":   slices.Concat(decoded(t, empty).WithCustom(empty, "schema", long), noTypes),
		"the section, twice":          slices.Concat(empty, customOf("schema", "a"), customOf("schema", "b")),
		"the section, between others": slices.Concat(other, customOf("schema", "a"), noTypes),
	} {
		t.Run(name, func(t *testing.T) {
			before := bytes.Clone(b)
			for _, content := range [][]byte{{}, []byte("{}"), long} {
				out := decoded(t, b).WithCustom(b, "schema", content)
				m := decoded(t, out)
				if diff := cmp.Diff([][]byte{content}, m.Custom(out, "schema")); diff != "" {
					t.Errorf("the section (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(decoded(t, b).Custom(b, "other"), m.Custom(out, "other")); diff != "" {
					t.Errorf("other custom sections (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(contents(t, b), contents(t, out)); diff != "" {
					t.Errorf("other sections (-want +got):\n%s", diff)
				}
				if last := m.Sections[len(m.Sections)-1]; last.Name != "schema" {
					t.Errorf("last section: got %q, want schema", last.Name)
				}
			}
			if !bytes.Equal(b, before) {
				t.Error("the module that was given has changed")
			}
		})
	}
}

func TestCustomWithoutTheSection(t *testing.T) {
	if got := decoded(t, empty).Custom(empty, "schema"); got != nil {
		t.Errorf("got %q, want none", got)
	}
}

// customOf returns a custom section with a short name and content.
func customOf(name, content string) []byte {
	size := 1 + len(name) + len(content)
	return slices.Concat([]byte{byte(SectionCustom), byte(size), byte(len(name))}, []byte(name), []byte(content))
}

// contents returns the sections of a module that are not custom.
func contents(t *testing.T, b []byte) [][]byte {
	t.Helper()
	var list [][]byte
	for _, s := range decoded(t, b).Sections {
		if s.ID != SectionCustom {
			list = append(list, s.Range.In(b))
		}
	}
	return list
}
