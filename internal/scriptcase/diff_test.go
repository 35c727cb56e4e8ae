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
		{"a member of a member", `{"jwks":{"keys":[{"kid":"a","kty":"EC"}]}}`,
			`{"jwks":{"keys":[{"kid":"b","kty":"EC"}]}}`,
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

// A time of the response is shown as one too.
func TestCaseDiffShowsTimes(t *testing.T) {
	var d caseDiff
	d.compare("/response/client_secret_expires_at", 0.0, 1767229200.0)
	d.compare("/response/client_id_issued_at", 0.0, 1e300)
	d.compare("/response/default_max_age", 0.0, 1767229200.0)
	want := "- /response/client_secret_expires_at: 0 (never)\n" +
		"+ /response/client_secret_expires_at: 1767229200 (2026-01-01T01:00:00Z)\n" +
		"- /response/client_id_issued_at: 0 (1970-01-01T00:00:00Z)\n" +
		"+ /response/client_id_issued_at: 1e+300\n" +
		"- /response/default_max_age: 0\n" +
		"+ /response/default_max_age: 1767229200\n"
	if diff := cmp.Diff(want, d.String()); diff != "" {
		t.Error(diff)
	}
}

// A pattern matches the whole value.
func TestPattern(t *testing.T) {
	for _, tt := range []struct {
		pattern string
		value   any
		want    bool
	}{
		{"acme-[0-9]+", "acme-12", true},
		{"acme-[0-9]+", "acme-12x", false},
		{"acme-[0-9]+", "xacme-12", false},
		{"a|ab", "ab", true},
		{"a", "a\n", false},
		{"17[0-9]{8}", 1767229200.0, true},
		{`\["a","b"\]`, []any{"a", "b"}, true},
		{".*", nil, true},
	} {
		var p pattern
		if err := p.UnmarshalText([]byte(tt.pattern)); err != nil {
			t.Fatal(err)
		}
		if got := p.matches(tt.value); got != tt.want {
			t.Errorf("%s matches %v: %t", tt.pattern, tt.value, got)
		}
	}
	if err := new(pattern).UnmarshalText([]byte(")(")); err == nil {
		t.Error(")( is a pattern")
	}
}

func TestExpectationShowsPatterns(t *testing.T) {
	var e expectation
	if err := json.Unmarshal([]byte(`{"outcome":"registered","match":{"client_id":"acme-.*","scope":"a"}}`),
		&e); err != nil {
		t.Fatal(err)
	}
	got := e.diff(scripts.DryRun{Outcome: scripts.OutcomeRegistered, Response: []byte(`{"client_id":"other"}`)})
	want := "- /match/client_id: \"acme-.*\"\n+ /match/client_id: \"other\"\n- /match/scope: \"a\"\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
