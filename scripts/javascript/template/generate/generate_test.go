package main

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero/api"

	"registrar/hostfuncs"
	"registrar/internal/wasmtest"
)

var update = flag.Bool("update", false, "rewrite the generated files")

// The committed files are those that the tables give.
func TestGeneratedFiles(t *testing.T) {
	files, err := generate(wasmtest.Root())
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		path = filepath.Join(wasmtest.Root(), path)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("go test ./scripts/javascript/template/generate -update rewrites %s: -want +got\n%s", path, diff)
		}
	}
}

// hostFunctions returns the functions of registrar_v1.
func hostFunctions() []hostfuncs.Function {
	return slices.DeleteFunc(hostfuncs.Functions(), func(f hostfuncs.Function) bool {
		return f.Module != hostfuncs.ModuleName
	})
}

// The shim imports every function of registrar_v1, with the types that the host gives it.
func TestImportsAreThoseOfTheHost(t *testing.T) {
	want := map[string]string{}
	for _, f := range hostFunctions() {
		want[f.Name] = signature(f.Params, f.Results)
	}
	got := map[string]string{}
	for _, f := range imports {
		got[f.Name] = signature(cTypes(f.Params), cTypes(f.Result))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table of imports differs from the host's functions: -want +got\n%s", diff)
	}
}

func signature(params, results []api.ValueType) string {
	names := func(types []api.ValueType) string {
		var list []string
		for _, t := range types {
			list = append(list, api.ValueTypeName(t))
		}
		return "(" + strings.Join(list, " ") + ")"
	}
	return names(params) + " -> " + names(results)
}

// cTypes returns the WebAssembly types of a list of types in C.
func cTypes(list string) []api.ValueType {
	var types []api.ValueType
	for c := range strings.SplitSeq(list, ", ") {
		switch {
		case c == "void":
		case c == "long long":
			types = append(types, api.ValueTypeI64)
		default:
			types = append(types, api.ValueTypeI32)
		}
	}
	return types
}

// A script can call every function of registrar_v1. The shim itself calls log, for console, and fail, for exceptions.
func TestEveryFunctionHasAMember(t *testing.T) {
	used := map[string]bool{"log": true, "fail": true}
	for _, m := range members {
		for name := range strings.FieldsSeq(m.Uses) {
			used[name] = true
		}
	}
	for _, f := range hostFunctions() {
		if !used[f.Name] {
			t.Errorf("no member of the table calls %s", f.Name)
		}
		delete(used, f.Name)
	}
	for name := range used {
		t.Errorf("the table names %s, which registrar_v1 does not have", name)
	}
}
