package host

import (
	"strings"
	"testing"

	"registrar/hostfuncs"
	"registrar/scripts/wasmbin"
)

func TestNearest(t *testing.T) {
	var functions []string
	for _, f := range hostfuncs.Functions() {
		functions = append(functions, f.Name)
	}
	for _, tt := range []struct {
		name  string
		among []string
		want  string
	}{
		{"set_clientid", functions, "set_client_id"},
		{"setClientSecret", functions, "set_client_secret"},
		{"refuze", functions, "refuse"},
		{"callBase", functions, "call_base"},
		{"fd_writ", functions, "fd_write"},
		{"http_get", functions, ""},
		{"lo", functions, "log"},
		{"x", functions, ""},
		{"addClientId", stepNames(), "add_client_id"},
		{"add_client", stepNames(), "add_client_id"},
		{"set_redirect_uri", stepNames(), "set_redirect_uris"},
		{"set_scope", stepNames(), "set_scopes"},
		{"build_responce", stepNames(), "build_response"},
		{"set_client_id", stepNames(), ""}, // a host's function, and no misspelt set_client_name
		{"malloc", stepNames(), ""},
		{"call_base", stepNames(), ""},
		{"", stepNames(), ""},
		{strings.Repeat("set_scopes", 1000), stepNames(), ""},
	} {
		if got := nearest(tt.name, tt.among); got != tt.want {
			t.Errorf("%.80s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestExplain(t *testing.T) {
	i32, i64, f64 := wasmbin.I32, wasmbin.I64, wasmbin.F64
	types := func(t ...wasmbin.ValueType) []wasmbin.ValueType { return t }
	for _, tt := range []struct {
		have, want wasmbin.FuncType
		fix        string
	}{
		{wasmbin.FuncType{Params: types(i32)}, wasmbin.FuncType{}, "declare no parameter instead of 1 parameter"},
		{wasmbin.FuncType{}, wasmbin.FuncType{Params: types(i32, i32)}, "declare 2 parameters instead of no parameter"},
		{wasmbin.FuncType{Params: types(i64, f64, i32)}, wasmbin.FuncType{Params: types(i32, i64, i32)},
			"make parameter 1 a 32-bit integer (i32) instead of a 64-bit integer (i64), and make parameter 2 a 64-bit integer (i64) instead of f64"},
		{wasmbin.FuncType{}, wasmbin.FuncType{Results: types(i32)}, "return a 32-bit integer (i32) instead of nothing"},
		{wasmbin.FuncType{Results: types(i32, i32)}, wasmbin.FuncType{}, "return nothing instead of 2 values"},
		{wasmbin.FuncType{Params: types(i32)}, wasmbin.FuncType{Results: types(i64)},
			"declare no parameter instead of 1 parameter, and return a 64-bit integer (i64) instead of nothing"},
	} {
		if got := fixOf(tt.have, tt.want); got != tt.fix {
			t.Errorf("%s for %s: got %q, want %q", tt.have, tt.want, got, tt.fix)
		}
	}
}
