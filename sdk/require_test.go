package sdk_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// The SDKs give required members of the config alike, and fail alike if one is missing or has another type.
func TestRequire(t *testing.T) {
	const step = "set_scopes"
	const missing, text = `config: member "value" is missing`, `config: member "value" must be a string`
	const list, integer = `config: member "value" must be a list of strings`,
		`config: member "value" must be an integer`
	const boolean, object = `config: member "value" must be true or false`, `config: member "value" must be an object`
	tests := []struct{ kind, value, want string }{ // a want with "config:" is a failure
		{"text", `"a \"note\"/\u00e9"`, `a "note"/é`},
		{"text", `""`, ""},
		{"text", ``, missing},
		{"text", `null`, missing},
		{"text", `17`, text},
		{"text", `["a"]`, text},
		{"text", `{"value":"a"}`, text},

		{"strings", `["Claude","\u00e9"]`, "Claude|é"},
		{"strings", ` [ "one" ] `, "one"},
		{"strings", `[]`, ""},
		{"strings", ``, missing},
		{"strings", `"Claude"`, list},
		{"strings", `["Claude",17]`, list},
		{"strings", `["Claude",null]`, list},
		{"strings", `[["Claude"]]`, list},
		{"strings", `{"0":"Claude"}`, list},
		{"strings", `true`, list},

		{"int", `42`, "42"},
		{"int", `0`, "0"},
		{"int", `1`, "1"},
		{"int", `-9223372036854775808`, "-9223372036854775808"},
		{"int", `9223372036854775807`, "9223372036854775807"},
		{"int", `9007199254740991`, "9007199254740991"},
		{"int", `9007199254740993`, "9007199254740993"},
		{"int", `9223372036854775808`, integer},
		{"int", `1.5`, integer},
		{"int", `1e3`, integer},
		{"int", `"42"`, integer},
		{"int", `true`, integer},
		{"int", `[42]`, integer},
		{"int", ``, missing},

		{"bool", `true`, "true"},
		{"bool", `false`, "false"},
		{"bool", `"true"`, boolean},
		{"bool", `0`, boolean},
		{"bool", `[false]`, boolean},
		{"bool", ``, missing},

		{"object", `{"x":"y"}`, "y"},
		{"object", `{}`, ""},
		{"object", `["x"]`, object},
		{"object", `"{}"`, object},
		{"object", ``, missing},

		{"inside", `{"inner":"y"}`, "y"},
		{"inside", ``, missing},
		{"inside", `"y"`, object},
		{"inside", `{}`, `config: member "value.inner" is missing`},
		{"inside", `{"inner":null}`, `config: member "value.inner" is missing`},
		{"inside", `{"inner":[]}`, `config: member "value.inner" must be a string`},
	}
	// A double holds no number beyond 2^53 exactly, so that is no integer. How a number was written is lost.
	doubles := map[string]string{
		`-9223372036854775808`: integer, `9223372036854775807`: integer, `9007199254740993`: integer, `1e3`: "1000",
	}
	forEach(t, func(t *testing.T, k *kit) {
		for _, tt := range tests {
			if want, differs := doubles[tt.value]; differs && k.doubles {
				tt.want = want
			}
			t.Run(tt.kind+" "+tt.value, func(t *testing.T) {
				config := `{"steps":{"` + step + `":"require-` + tt.kind + `"}`
				if tt.value != "" {
					config += `,"value":` + tt.value
				}
				got := k.registerConfigs(usual, jsontext.Value(config+"}"))
				if strings.HasPrefix(tt.want, "config: ") {
					got.failed(t, step, tt.want)
					return
				}
				got.done(t)
				if diff := cmp.Diff([]string{"value=" + tt.want}, got.texts()); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}
