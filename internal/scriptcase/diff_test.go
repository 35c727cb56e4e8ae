package scriptcase

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"registrar/scripts"
)

func TestCaseDiffNamesWhatDiffers(t *testing.T) {
	for _, tt := range []struct{ name, want, got, diff string }{
		{"the same", `{"a":[1,{"b":null}],"c":"x"}`, `{"c":"x","a":[1,{"b":null}]}`, ""},
		{"members, in order", `{"b":1,"a":true,"c":"x"}`, `{"c":"x","a":false,"b":2}`,
			"- /a: true\n+ /a: false\n- /b: 1\n+ /b: 2\n"},
		{"missing and unexpected", `{"a":null}`, `{"b":null}`, "- /a: null\n+ /b: null\n"},
		{"a member of a member", `{"jwks":{"keys":[{"kid":"a","kty":"EC"}]}}`, `{"jwks":{"keys":[{"kid":"b","kty":"EC"}]}}`,
			"- /jwks/keys/0/kid: \"a\"\n+ /jwks/keys/0/kid: \"b\"\n"},
		{"lengths of an array", `{"a":["x"]}`, `{"a":["x","y"]}`, "- /a: [\"x\"]\n+ /a: [\"x\",\"y\"]\n"},
		{"kinds", `{"a":[],"b":{},"c":"1","d":null}`, `{"a":{},"b":[],"c":1,"d":false}`,
			"- /a: []\n+ /a: {}\n- /b: {}\n+ /b: []\n- /c: \"1\"\n+ /c: 1\n- /d: null\n+ /d: false\n"},
		{"names that a pointer escapes", `{"a/b":1,"c~d":1}`, `{}`, "- /a~1b: 1\n- /c~0d: 1\n"},
		{"several lines in a value", `{"a":"x\ny"}`, `{"a":""}`, "- /a: \"x\\ny\"\n+ /a: \"\"\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want, got any
			for document, value := range map[string]*any{tt.want: &want, tt.got: &got} {
				if err := json.Unmarshal([]byte(document), value); err != nil {
					t.Fatal(err)
				}
			}
			var d caseDiff
			d.compare("", want, got)
			if diff := cmp.Diff(tt.diff, d.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExpectationDiff(t *testing.T) {
	refused := scripts.DryRun{
		Outcome: scripts.OutcomeRefused,
		Error:   &scripts.DryRunError{Code: "c", Description: "d e"},
		Steps:   []scripts.StepTrace{{Log: []string{"one"}}, {Log: []string{"two"}}},
	}
	registered := scripts.DryRun{Outcome: scripts.OutcomeRegistered, Response: []byte(`{"a":1,"b":{"c":2}}`)}
	for _, tt := range []struct {
		name   string
		expect expectation
		run    scripts.DryRun
		diff   string
	}{
		{"no expected error", expectation{}, refused, ""},
		{"any error", expectation{Error: &expectedError{}}, refused, ""},
		{"another code", expectation{Error: &expectedError{Code: "x", Description: "e"}}, refused,
			"- /error/code: \"x\"\n+ /error/code: \"c\"\n"},
		{"another description", expectation{Error: &expectedError{Code: "c", Description: "x"}}, refused,
			"- /error/description: \"x\"\n+ /error/description: \"d e\"\n"},
		{"no part of a line", expectation{Log: []string{"tw", "three"}}, refused,
			"- /log: \"three\"\n+ /log: \"one\"\n+ /log: \"two\"\n"},
		{"some members", expectation{Response: map[string]any{"a": 1.0}}, registered, ""},
		{"absent members", expectation{Absent: []string{"b", "d"}}, registered, "+ /response/b: {\"c\":2}\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.expect.Outcome = tt.run.Outcome
			if diff := cmp.Diff(tt.diff, tt.expect.diff(tt.run)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
