package sandbox

import (
	"fmt"
	"strings"

	"registrar/scripts/wasmbin"
)

// fixOf explains how to turn the type that a function has into the one that it must have.
func fixOf(have, want wasmbin.FuncType) string {
	var fixes []string
	switch {
	case len(have.Params) != len(want.Params):
		fixes = append(fixes, fmt.Sprintf("declare %s instead of %s",
			count(len(want.Params), "parameter"), count(len(have.Params), "parameter")))
	default:
		for i, t := range have.Params {
			if t != want.Params[i] {
				fixes = append(fixes, fmt.Sprintf("make parameter %d %s instead of %s",
					i+1, typeName(want.Params[i]), typeName(t)))
			}
		}
	}
	if had, wanted := resultName(have.Results), resultName(want.Results); had != wanted {
		fixes = append(fixes, fmt.Sprintf("return %s instead of %s", wanted, had))
	}
	return strings.Join(fixes, ", and ")
}

func count(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func typeName(t wasmbin.ValueType) string {
	switch t {
	case wasmbin.I32:
		return "a 32-bit integer (i32)"
	case wasmbin.I64:
		return "a 64-bit integer (i64)"
	}
	return t.String()
}

func resultName(results []wasmbin.ValueType) string {
	switch len(results) {
	case 0:
		return "nothing"
	case 1:
		return typeName(results[0])
	}
	return count(len(results), "value")
}
