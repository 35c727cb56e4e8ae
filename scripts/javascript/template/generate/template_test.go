package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/hostfuncs"
	"registrar/internal/wasmtest"
	"registrar/scripts/wasmbin"
)

// The committed template was built since the tables were changed: it imports all of registrar_v1, exports every step,
// and has each member's name.
func TestTemplateIsOfTheTables(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(wasmtest.Root(), "scripts", "javascript", "template.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasmbin.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	want := []string{"memory", "_initialize", "_position"}
	for _, e := range m.Exports {
		if !strings.HasPrefix(e.Name, "js_") {
			got = append(got, e.Name)
		}
	}
	for _, s := range engine.StepTable() {
		want = append(want, s.Name)
	}
	for _, i := range m.Imports {
		if i.Module == hostfuncs.ModuleName {
			got = append(got, i.Name)
		}
	}
	for _, f := range imports {
		want = append(want, f.Name)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" {
		t.Errorf("make -C scripts/javascript/template builds the template: -want +got\n%s", diff)
	}
	for _, member := range members {
		if !bytes.Contains(b, []byte(member.Name+"\x00")) && !bytes.Contains(b, []byte("registrar."+member.Name)) {
			t.Errorf("the template has no member %s: make -C scripts/javascript/template builds it", member.Name)
		}
	}
}

// The template says nothing of the machine that built it: no custom section, and no path.
func TestTemplateIsOfNoMachine(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(wasmtest.Root(), "scripts", "javascript", "template.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasmbin.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range m.Sections {
		if s.ID == wasmbin.SectionCustom {
			t.Errorf("the template has a custom section of %d bytes", len(s.Content.In(b)))
		}
	}
	for _, path := range []string{"/usr/", "/root/", "/home/", "/tmp/", ".cache"} {
		if bytes.Contains(b, []byte(path)) {
			t.Errorf("the template has the path %s", path)
		}
	}
}
