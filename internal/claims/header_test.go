package claims

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

func compact(header string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + ".e30.AA"
}

func TestHeader(t *testing.T) {
	for header, want := range map[string]string{
		`{"alg":"ES256"}`:                                           "",
		`{"alg":"ES256","typ":""}`:                                  "",
		`{"alg":"ES256","typ":"JWT"}`:                               "jwt",
		`{"alg":"ES256","typ":"\u0061t+JWT"}`:                       "at+jwt",
		`{"alg":"ES256","typ":"Application/at+jwt"}`:                "at+jwt",
		`{"alg":"ES256","typ":"JWT ","kid":"","x5t":1}`:             "jwt ",
		`{"alg":"ES256","b64":true,"cty":"JWT","jku":["any type"]}`: "",
	} {
		got, err := ReadHeader(compact(header))
		if err != nil || got.Type != want {
			t.Errorf("%s: got %q and %v, want %q", header, got.Type, err, want)
		}
	}
}

func TestHeadersOfTheWrongType(t *testing.T) {
	for header, want := range map[string]string{
		`[]`:                                        "the header must be a JSON object",
		`null`:                                      "the header must be a JSON object",
		``:                                          "the header must be a JSON object",
		`{"alg":"ES256"}x`:                          "the header is not valid JSON",
		"{\"alg\":\"\xff\"}":                        "the header",
		`{"alg":"ES256","typ":"JWT","typ":""}`:      "typ is given twice",
		`{"alg":"ES256","a":1,"\u0061":2}`:          "a is given twice",
		`{"alg":1}`:                                 "the header's alg must be a string, not a number",
		`{"alg":"ES256","typ":null}`:                "the header's typ must be a string, not null",
		`{"alg":"ES256","typ":1}`:                   "the header's typ must be a string, not a number",
		`{"alg":"ES256","typ":true}`:                "the header's typ must be a string",
		`{"alg":"ES256","typ":["at+jwt"]}`:          "the header's typ must be a string, not a list",
		`{"alg":"ES256","typ":{}}`:                  "the header's typ must be a string, not an object",
		`{"alg":"ES256","cty":[]}`:                  "the header's cty must be a string",
		`{"alg":"ES256","kid":null}`:                "the header's kid must be a string",
		`{"alg":"ES256","crit":null}`:               "the header's crit must be a list of strings, not empty",
		`{"alg":"ES256","crit":[]}`:                 "the header's crit must be a list of strings, not empty",
		`{"alg":"ES256","crit":"exp"}`:              "the header's crit must be a list of strings, not empty",
		`{"alg":"ES256","crit":{"exp":1}}`:          "the header's crit must be a list of strings, not empty",
		`{"alg":"ES256","crit":["exp",1]}`:          "the header's crit must be a list of strings, not empty",
		`{"alg":"ES256","crit":[null]}`:             "the header's crit must be a list of strings, not empty",
		`{"alg":"ES256","crit":["exp"],"exp":1}`:    `the header's crit demands "exp"`,
		`{"alg":"ES256","crit":["b64"],"b64":true}`: `the header's crit demands "b64"`,
		`{"alg":"ES256","b64":false}`:               "the header's b64 must be true",
		`{"alg":"ES256","b64":null}`:                "the header's b64 must be true",
		`{"alg":"ES256","b64":"true"}`:              "the header's b64 must be true",
	} {
		if got, err := ReadHeader(compact(header)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q and %v, want %q", header, got.Type, err, want)
		}
	}
	for _, token := range []string{"", ".", "e30", "e30=.e30.AA", "{}.e30.AA", "\n.e30.AA"} {
		_, err := ReadHeader(token)
		if token == "e30" { // {}: the algorithm is another's to check
			if err != nil {
				t.Errorf("%q: %v", token, err)
			}
		} else if err == nil {
			t.Errorf("%q: got no error", token)
		}
	}
}

// FuzzReadHeader checks that a header that is accepted is a JSON object without crit, whose typ is a string.
func FuzzReadHeader(f *testing.F) {
	for _, header := range []string{`{"alg":"ES256","typ":"at+jwt"}`, `{"alg":"ES256","crit":["exp"]}`, `{"typ":[1]}`,
		`{"b64":true,"crit":null}`, `{"typ":"a","\u0074yp":"b"}`, `[]`} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got, err := ReadHeader(compact(header))
		if err != nil {
			return
		}
		var members map[string]any
		if err := json.Unmarshal([]byte(header), &members); err != nil {
			t.Fatalf("%q: accepted, but %v", header, err)
		}
		if _, there := members["crit"]; there {
			t.Fatalf("%q: accepted with crit", header)
		}
		typ, isText := members["typ"].(string)
		if _, there := members["typ"]; there != isText ||
			got.Type != strings.TrimPrefix(strings.ToLower(typ), "application/") {
			t.Fatalf("%q: got the type %q", header, got.Type)
		}
	})
}
