package sandbox

import (
	"testing"

	"registrar/scripts/wasmbin"
)

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
			"make parameter 1 a 32-bit integer (i32) instead of a 64-bit integer (i64), and make parameter 2 a " +
				"64-bit integer (i64) instead of f64"},
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
