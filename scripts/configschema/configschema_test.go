package configschema

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"registrar/scripts"
)

// brands is a schema as a script with a list of brands has it.
const brands = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"type": "object",
	"properties": {
		"brands": {"type": "array", "items": {"type": "string", "minLength": 2}, "minItems": 1, "uniqueItems": true},
		"mode": {"enum": ["strict", "lenient"]},
		"days": {"type": "integer", "minimum": 1, "maximum": 90},
		"home": {"type": "string", "format": "uri"},
		"code": {"type": "string", "pattern": "^[a-z]+$"},
		"limits": {"$ref": "#/$defs/limits"},
		"who": {"anyOf": [{"type": "string"}, {"type": "array"}]}
	},
	"required": ["brands"],
	"additionalProperties": false,
	"$defs": {"limits": {"type": "object", "required": ["a/b"], "dependentRequired": {"x": ["y"]}}}
}`

// reasons returns the reasons of a rejection, nil for no error.
func reasons(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	rejected, ok := errors.AsType[*scripts.RejectedError](err)
	if !ok {
		t.Fatalf("got %v, want a rejection", err)
	}
	return rejected.Reasons
}

func parsed(t *testing.T, text string) *Schema {
	t.Helper()
	s, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCheck(t *testing.T) {
	s := parsed(t, brands)
	for config, want := range map[string][]string{
		`{"brands":["Claude"]}`: nil,
		`{"brands":["Claude"],"mode":"strict","days":90,"home":"https://example.com","code":"ab","who":"x"}`: nil,

		``:                   {"config: /brands: required"},
		`null`:               {"config: /brands: required"},
		`{}`:                 {"config: /brands: required"},
		`{"brand":["hush"]}`: {"config: /brand: unknown member: did you mean brands?", "config: /brands: required"},
		`{"brands":"hush"}`:  {"config: /brands: must be array, not string"},
		`{"brands":["hush",17]}`: {
			"config: /brands/1: must be string, not number",
		},
		`{"brands":[]}`:                        {"config: /brands: must have at least 1 items"},
		`{"brands":["h"]}`:                     {"config: /brands/0: must have at least 2 characters"},
		`{"brands":["hush","no","hush"]}`:      {"config: /brands: must have different items: 0 and 2 are equal"},
		`{"brands":["ab"],"mode":"hush"}`:      {`config: /mode: must be one of "strict", "lenient"`},
		`{"brands":["ab"],"days":1234567}`:     {"config: /days: must be at most 90"},
		`{"brands":["ab"],"days":1.5}`:         {"config: /days: must be integer, not number"},
		`{"brands":["ab"],"home":"hush hush"}`: {"config: /home: must have the format uri"},
		`{"brands":["ab"],"code":"hush-1"}`:    {"config: /code: must match the pattern ^[a-z]+$"},
		`{"brands":["ab"],"limits":{"x":"hush"}}`: {
			"config: /limits/a~1b: required", "config: /limits/y: required, since x is there",
		},
		`{"brands":["ab"],"who":17}`: {
			"config: /who: fits none of the allowed schemas (must be array, not number; or must be string, not number)",
		},
		`["hush"]`:                  {"config: must be object, not array"},
		`{"brands":["ab"],"brands"`: {"config: /brands: given twice"},
		`{"brands":["hush"`:         {"config: it is not valid JSON, at byte 17"},
		`{"brands":["ab"]}{}`:       {"config: it must be one JSON value"},
		`{"days":1e999999999}`: {
			"config: /days: a number must have at most 100 characters and an exponent from -400 to 400",
		},
	} {
		t.Run(config, func(t *testing.T) {
			err := s.Check(jsontext.Value(config))
			if diff := cmp.Diff(want, reasons(t, err)); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
			if err != nil && (strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "17") &&
				!strings.Contains(err.Error(), "byte 17")) {
				t.Errorf("the error quotes a value: %v", err)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	deep := strings.Repeat(`{"items":`, MaxDepth+1) + `{}` + strings.Repeat(`}`, MaxDepth+1)
	for name, c := range map[string]struct{ schema, want string }{
		"no JSON":      {`{"type":`, "config schema: it is not valid JSON, at byte 8"},
		"nothing":      {``, "config schema: it is empty"},
		"no object":    {`true`, "config schema: it must be a JSON object, a schema of an object"},
		"two objects":  {`{}{}`, "config schema: it must be one JSON value"},
		"a name twice": {`{"type":"object","type":"string"}`, "config schema: /type: given twice"},
		"an unknown type": {
			`{"properties":{"a":{"type":"text"}}}`,
			"config schema: /properties/a/type: fits none of the allowed schemas",
		},
		"too large": {`{"title":"` + strings.Repeat("x", MaxSize) + `"}`, "at most 65536 are allowed"},
		"too deep":  {deep, "nested deeper than 64"},
		"too many":  {`{"enum":[0` + strings.Repeat(",0", MaxValues) + `]}`, "it has more than 5000 values"},
		"huge":      {`{"minimum":1e999999999}`, "config schema: /minimum: a number must have at most 100 characters"},
		"remote ref": {`{"$ref":"https://example.com/s.json"}`,
			"it refers to https://example.com/s.json: a schema may only"},
		"file ref": {`{"$ref":"file:///etc/hostname"}`, "it refers to file:///etc/hostname: a schema may only"},
		"path ref": {`{"properties":{"a":{"$ref":"/etc/hostname"}}}`, "it refers to etc/hostname: a schema may only"},
		"id and ref": {
			`{"$id":"https://example.com/a.json","$ref":"b.json"}`,
			"it refers to https://example.com/b.json: a schema may",
		},
		"remote dialect": {`{"$schema":"https://example.com/dialect"}`, "it refers to https://example.com/dialect"},
		"no such definition": {
			`{"$ref":"#/$defs/a"}`, "#/$defs/a",
		},
		"look-ahead": {`{"pattern":"(?=a)"}`,
			"/pattern: must be a regular expression: it is not in the syntax of RE2"},
		"large pattern":  {`{"pattern":"(((ab){9}){9}){9}"}`, "instructions, its repetitions multiplied out"},
		"long pattern":   {`{"pattern":"` + strings.Repeat("x", MaxPattern) + `"}`, "at most 2000 are allowed"},
		"pattern member": {`{"patternProperties":{"(":true}}`, "/patternProperties/(: its name must be a regular"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.schema))
			if got := strings.Join(reasons(t, err), "\n"); !strings.Contains(got, c.want) || got == "" {
				t.Errorf("got %q, want it to contain %q", got, c.want)
			}
		})
	}
}

func TestParseAccepts(t *testing.T) {
	for name, schema := range map[string]string{
		"draft 4":       `{"$schema":"http://json-schema.org/draft-04/schema#","required":["a"]}`,
		"draft 7":       `{"$schema":"http://json-schema.org/draft-07/schema#","required":["a"]}`,
		"draft 2019-09": `{"$schema":"https://json-schema.org/draft/2019-09/schema","required":["a"]}`,
		"no dialect":    `{"required":["a"]}`,
		"an id":         `{"$id":"https://example.com/a.json","$ref":"#/$defs/a","$defs":{"a":{"required":["a"]}}}`,
		"an id that it names": `{"$id":"https://example.com/a.json","$ref":"a.json#/$defs/a",` +
			`"$defs":{"a":{"required":["a"]}}}`,
		"an anchor": `{"$ref":"#one","$defs":{"a":{"$anchor":"one","required":["a"]}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			err := parsed(t, schema).Check(nil)
			if diff := cmp.Diff([]string{"config: /a: required"}, reasons(t, err)); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWorkIsBounded checks configurations whose check would take longer than anybody waits.
func TestWorkIsBounded(t *testing.T) {
	const levels = 60
	var defs []string
	for i := range levels {
		defs = append(defs, fmt.Sprintf(`"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%[2]d"}]}`, i, i+1))
	}
	doubling := fmt.Sprintf(`{"$ref":"#/$defs/d0","$defs":{%s,"d%d":{"type":"object"}}}`, strings.Join(defs, ","),
		levels)
	draft7 := strings.Replace(doubling, "{",
		`{"$schema":"http://json-schema.org/draft-07/schema#","allOf":[{"$ref":"#/$defs/d0"}],`, 1)
	long := `{"a":"` + strings.Repeat("ab", 60_000) + `"}`
	nested := strings.Repeat(`{"a":`, levels) + `{}` + strings.Repeat(`}`, levels)
	for name, c := range map[string]struct{ schema, config string }{
		"references that double": {doubling, `{}`},
		"in draft 7":             {draft7, `{}`},
		"levels that double": {`{"properties":{"a":{"anyOf":[{"$ref":"#"},{"$ref":"#"}],"minProperties":2}}}`,
			nested},
		"values of an enumeration": {`{"properties":{"a":{"items":{"enum":[0` + strings.Repeat(",0.5", 4000) + `]}}}}`,
			`{"a":[1` + strings.Repeat(",1", 100_000) + `]}`},
		"a constant": {`{"properties":{"a":{"items":{"const":[0` + strings.Repeat(",0", 4000) + `]}}}}`,
			`{"a":[1` + strings.Repeat(",1", 100_000) + `]}`},
		"patterns of long strings": {`{"patternProperties":{"a":{"pattern":"(.*a){200}"}}}`, long},
	} {
		t.Run(name, func(t *testing.T) {
			err := parsed(t, c.schema).Check(jsontext.Value(c.config))
			want := []string{"config: it takes too much work to check: make the schema simpler, or the " +
				"configuration smaller"}
			if diff := cmp.Diff(want, reasons(t, err)); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEndlessReference(t *testing.T) {
	err := parsed(t, `{"$ref":"#"}`).Check(nil)
	if diff := cmp.Diff([]string{"config: the schema refers to itself without end"}, reasons(t, err)); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func TestProblemsAreBounded(t *testing.T) {
	s := parsed(t, `{"additionalProperties":{"type":"string"}}`)
	var members []string
	for i := range 100 {
		members = append(members, fmt.Sprintf(`"%s%d":0`, strings.Repeat("m", 1000), i))
	}
	err := s.Check(jsontext.Value("{" + strings.Join(members, ",") + "}"))
	got := reasons(t, err)
	if len(got) > maxProblems+1 || len(err.Error()) > (maxProblems+1)*(maxText+100) {
		t.Errorf("got %d reasons with %d bytes", len(got), len(err.Error()))
	}
}

// TestConcurrentChecks has each check spend a budget of its own.
func TestConcurrentChecks(t *testing.T) {
	c := NewCache()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := c.Parse([]byte(brands))
			if err != nil {
				t.Error(err)
				return
			}
			for range 100 {
				if err := s.Check(jsontext.Value(`{"brands":["Claude"]}`)); err != nil {
					t.Error(err)
				}
				if s.Check(nil) == nil {
					t.Error("a configuration without brands fits")
				}
			}
		})
	}
	wg.Wait()
	first, _ := c.Parse([]byte(brands))
	if second, _ := c.Parse([]byte(brands)); first != second {
		t.Error("a schema was compiled twice")
	}
}

// TestRefusalsAreBounded has a check refuse many members, each of which could name all that the schema names.
func TestRefusalsAreBounded(t *testing.T) {
	var names, members []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf(`"name%d":true`, i))
		members = append(members, fmt.Sprintf(`"member%d":0`, i))
	}
	schema := parsed(t, `{"additionalProperties":false,"properties":{`+strings.Join(names, ",")+`}}`)
	got := reasons(t, schema.Check(jsontext.Value("{"+strings.Join(members, ",")+"}")))
	if len(got) != maxProblems+1 || got[maxProblems] != "config: 990 more" {
		t.Errorf("got %q", got)
	}
	if schema.guesses != 0 {
		t.Errorf("%d names could still be suggested, want none", schema.guesses)
	}
	want := []string{`config: must be one of ` + strings.Repeat(`"xxxxxxxx", `, 16) + `"xxxxxxx…`}
	enum := parsed(t, `{"enum":["xxxxxxxx"`+strings.Repeat(`,"xxxxxxxx"`, 1000)+`]}`)
	if diff := cmp.Diff(want, reasons(t, enum.Check(nil))); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

// TestValues compares values with enum and const wherever a schema can have them.
func TestValues(t *testing.T) {
	const one = `{"enum":[1,"b",{"c":[1.0]}]}`
	for name, schema := range map[string]string{
		"properties":  `{"properties":{"a":` + one + `}}`,
		"const":       `{"properties":{"a":{"anyOf":[{"const":1},{"const":"b"},{"const":{"c":[1]}}]}}}`,
		"reference":   `{"properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":` + one + `}}`,
		"patterns":    `{"patternProperties":{"^a$":` + one + `}}`,
		"additional":  `{"additionalProperties":` + one + `}`,
		"unevaluated": `{"unevaluatedProperties":` + one + `}`,
		"not":         `{"properties":{"a":{"not":{"not":` + one + `}}}}`,
		"condition":   `{"properties":{"a":{"if":` + one + `,"else":false}}}`,
		"dynamic": `{"properties":{"a":{"$dynamicRef":"#x"}},` +
			`"$defs":{"x":{"$dynamicAnchor":"x","enum":[1,"b",{"c":[1]}]}}}`,
		"draft 7": `{"$schema":"http://json-schema.org/draft-07/schema#","dependencies":{"a":{"properties":{"a":` +
			one +
			`}}}}`,
	} {
		s := parsed(t, schema)
		for _, config := range []string{`{"a":1}`, `{"a":1.0}`, `{"a":"b"}`, `{"a":{"c":[1]}}`} {
			if err := s.Check(jsontext.Value(config)); err != nil {
				t.Errorf("%s: %s: got %v, want no error", name, config, err)
			}
		}
		for _, config := range []string{`{"a":2}`, `{"a":null}`, `{"a":"1"}`, `{"a":{"c":[2]}}`, `{"a":{}}`} {
			if s.Check(jsontext.Value(config)) == nil {
				t.Errorf("%s: %s: got no error", name, config)
			}
		}
	}
}
