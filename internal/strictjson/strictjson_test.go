package strictjson

import (
	"net/netip"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

type part struct {
	Name   string         `json:"name"`
	Config jsontext.Value `json:"config,omitzero"`
	Steps  []string       `json:"steps,omitempty"`
	Hidden string         `json:"-"`
}

type document struct {
	Parts   []part     `json:"parts"`
	One     *part      `json:"one"`
	Count   *int64     `json:"count"`
	Last    int        `json:"last"`
	Flag    bool       `json:"flag"`
	Address netip.Addr `json:"address"`
}

func TestUnmarshalObject(t *testing.T) {
	for body, want := range map[string]string{
		`{"parts":[{"name":"a","config":{"x":[1]},"steps":["b"]}],"one":null,"count":1,"address":"::1"}`: "",
		`{}`: "",

		``:      "the body must be a JSON object",
		`parts`: "the body must be a JSON object",
		`null`:  "the body must be a JSON object, not null",
		`[]`:    "the body must be a JSON object, not a list",
		`"{}"`:  "the body must be a JSON object, not a string",
		`7`:     "the body must be a JSON object, not a number",
		`true`:  "the body must be a JSON object, not true or false",
		`{`:     "the body is not valid JSON: unexpected EOF at byte 1",
		`{}x`: "the body is not valid JSON: invalid character 'x' after top-level value at " +
			"byte 2",
		`{"last`:                       "the body is not valid JSON: unexpected EOF at byte 6",
		`{"parts":[{"name":"a"}`:       "the body is not valid JSON: unexpected EOF at byte 22",
		`{"parts":[{"name":"` + "\xff": "the body is not valid JSON: invalid UTF-8 at byte 19",

		`{"parts":{}}`:                         "parts must be a list, not an object",
		`{"parts":[7]}`:                        "parts[0] must be an object, not a number",
		`{"parts":[{},{"name":7}]}`:            "parts[1].name must be a string, not a number",
		`{"parts":[{"steps":"a"}]}`:            "parts[0].steps must be a list of strings, not a string",
		`{"parts":[{"steps":["a",true]}]}`:     "parts[0].steps[1] must be a string, not true or false",
		`{"one":"a"}`:                          "one must be an object, not a string",
		`{"one":{"name":[]}}`:                  "one.name must be a string, not a list",
		`{"count":"1"}`:                        "count must be " + wholeNumber + ", not a string",
		`{"count":1.5}`:                        "count must be " + wholeNumber,
		`{"last":1e3}`:                         "last must be " + wholeNumber,
		`{"last":99999999999999999999}`:        "last must be " + wholeNumber,
		`{"flag":1}`:                           "flag must be true or false, not a number",
		`{"address":1}`:                        "address must be " + ipAddress + ", not a number",
		`{"address":"localhost"}`:              "address must be " + ipAddress,
		`{"last":1,"last":1}`:                  "last is given twice",
		`{"parts":[{"name":"a","name":"a"}]}`:  "parts[0].name is given twice",
		`{"parts":[{"config":{"a":1,"a":2}}]}`: "parts[0].config.a is given twice",
		`{"first":1}`: "first is unknown: the members are parts, one, count, last, flag, " +
			"address",
		`{"Last":1}`: "Last is unknown: the members are parts, one, count, last, flag, " +
			"address",
		`{"parts":[{"name":"a"},{"nam":"b"}]}`: "parts[1].nam is unknown: the members are name, config, steps",
		`{"parts":[{"Hidden":"a"}]}`:           "parts[0].Hidden is unknown: the members are name, config, steps",
		`{"parts":[{"-":"a"}]}`:                "parts[0].- is unknown: the members are name, config, steps",
		`{"one":{"a/b~c":1}}`:                  "one.a/b~c is unknown: the members are name, config, steps",
	} {
		got := ""
		if err := UnmarshalObject([]byte(body), &document{}, ""); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s:\n got %q\nwant %q", body, got, want)
		}
	}
	for body, want := range map[string]string{
		`[]`:            "part must be a JSON object, not a list",
		`{"name":1}`:    "part.name must be a string, not a number",
		`{"steps":[1]}`: "part.steps[0] must be a string, not a number",
		`{"x":1}`:       "part.x is unknown: the members are name, config, steps",
		`{"name":"`:     "part is not valid JSON: unexpected EOF at byte 9",
	} {
		if err := UnmarshalObject([]byte(body), &part{}, "part"); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", body, err, want)
		}
	}
}
