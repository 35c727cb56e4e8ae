package engine

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// checkPlain checks that a body that is read plainly is one that package json reads, with the same result. It reports
// whether the body was read plainly.
func checkPlain(t *testing.T, body []byte) bool {
	t.Helper()
	sent := bytes.Clone(body)
	var got, want Metadata
	if !readPlainly(body, &got, make([]string, 6)) {
		return false
	}
	err := json.Unmarshal(body, &want)
	if want.JWKS.Kind() == 'n' {
		want.JWKS = nil // settle does that
	}
	// Later writes to the body must change nothing.
	for i := range body {
		body[i] = 'x'
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%q: want (-, %v) and got (+):\n%s", sent, err, diff)
	}
	copy(body, sent)
	return true
}

// TestPlainRequests checks random bodies, and damaged ones. REGISTRAR_TEST_PATCHES sets their number.
func TestPlainRequests(t *testing.T) {
	t.Parallel()
	runs := patchesOfTest(t)
	plain, valid, damaged := 0, 0, 0
	for seed := range runs {
		g := patchGenerator{rand.New(rand.NewPCG(uint64(seed), 2))}
		body := []byte(g.patch())
		if g.sometimes(3) {
			body = g.damaged([]byte(pick(g, usual, everyMember[0], string(body))))
			if checkPlain(t, body) {
				damaged++
			}
			continue
		}
		if json.Unmarshal(body, new(Metadata)) == nil {
			valid++
		}
		if checkPlain(t, body) {
			plain++
		}
	}
	if plain < valid*9/10 || valid < runs/4 || damaged < runs/100 {
		t.Errorf("of %d bodies, %d are valid, %d of these plain, and %d damaged ones too: want more", runs, valid, plain,
			damaged)
	}
}

// damaged returns JSON with a few changes.
func (g patchGenerator) damaged(body []byte) []byte {
	for range 1 + g.IntN(3) {
		if len(body) == 0 {
			break
		}
		from := g.IntN(len(body))
		to := min(len(body), from+g.IntN(3))
		inserted := pick(g, "", " ", ",", `"`, `\`, `{`, `}`, `[`, `]`, ":", "0", "-", "null", "\x00", "\xff", "é", "\n",
			`"a":1,`, `,"a":{}`, string(body[from:min(len(body), from+g.IntN(40))]))
		body = bytes.Join([][]byte{body[:from], []byte(inserted), body[to:]}, nil)
	}
	return body
}

// What is not plain, or only just, is read as package json reads it.
func TestPlainCases(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		``: false, `{`: false, `{}`: true, " {\t\r\n} ": true, `{}x`: false, `{}{}`: false, "{}\x00": false, `[]`: false,
		`null`: false, `"{}"`: false, "\ufeff{}": false,
		`{"a":1`: false, `{"a":1]`: false, `{"a":1,}`: false, `{,"a":1}`: false, `{"a"}`: false, `{"a":}`: false,
		`{"a":1 "b":2}`: false, `{"a" : 1 , "b":2}`: true, `{a:1}`: false, `{"a":1,,"b":2}`: false,

		`{"client_name":"A"}`: true, `{"client_name":null}`: true, `{"client_name":nullx}`: false,
		`{"client_name":1}`: false, `{"client_name":["A"]}`: false, `{"Client_Name":"A"}`: true,
		`{"client_name":"A","client_name":"A"}`: false, `{"client_name":"A","client\u005fname":"A"}`: false,
		`{"client\u005fname":"A"}`: true, `{"client_name":"\"\\"}`: true, `{"client_name":"\\\"}`: false,
		`{"client_name":"\ud83d\ude00\/"}`: true, `{"client_name":"\ud83d"}`: false, `{"client_name":"\x"}`: false,
		"{\"client_name\":\"\xff\"}": false, "{\"client_name\":\"\t\"}": false, "{\"client_name\":\"\x00\"}": false,
		"{\"client_name\":\"\\n\xff\"}": false, "{\"client_name\":\"\xed\xa0\x80\"}": false,

		`{"contacts":[]}`: true, `{"contacts":["a", "b" ]}`: true, `{"contacts":["a",]}`: false,
		`{"contacts":[,"a"]}`: false, `{"contacts":["a" "b"]}`: false, `{"contacts":[null]}`: false,
		`{"contacts":["a"}`: false, `{"contacts":["a"`: false, `{"contacts":null}`: true, `{"contacts":"a"}`: false,
		`{"contacts":[["a"]]}`: false, `{"contacts":["` + strings.Repeat(`a","`, 500) + `"]}`: true,

		`{"default_max_age":0}`: true, `{"default_max_age":-0}`: true, `{"default_max_age":01}`: false,
		`{"default_max_age":-}`: false, `{"default_max_age":1-1}`: false, `{"default_max_age":+1}`: false,
		`{"default_max_age":1.0}`: false, `{"default_max_age":1e3}`: false, `{"default_max_age":"1"}`: false,
		`{"default_max_age":-9223372036854775808}`: true, `{"default_max_age":9223372036854775808}`: false,
		`{"require_auth_time":true}`: true, `{"require_auth_time":false}`: true, `{"require_auth_time":truefalse}`: false,
		`{"require_auth_time":"true"}`: false, `{"require_auth_time":tru}`: false,

		`{"jwks":{"keys":[]}}`: true, `{"jwks":{"a":1,"a":2}}`: false, `{"jwks":[{"a":{"b":1,"b":2}}]}`: false,
		`{"jwks":{"a":"}"},"client_name":"A"}`: true, `{"jwks":{"a":"\"}"}}`: true, `{"jwks":{"a":1}}}`: false,
		`{"jwks": null }`: true, `{"jwks":{]}`: false, `{"jwks":{"a":01}}`: false, `{"jwks":""}`: true,
		`{"a":{"b":[1, "\u00e9"]}}`: true, `{"a":1,"a":1}`: false, `{"a":1,"\u0061":1}`: false, `{"":1}`: true,
		`{"a":12}`: true, `{"a":1 2}`: false, `{"a":1"b"}`: false, `{"a":"b"c}`: false, `{"a":{}1}`: false,
		`{"a":-}`: false, `{"a":}}`: false, `{"a":]}`: false, "{\"a\":\"\xff\"}": false, `{"a":"`: false,
		`{"client_name#ja":"A","tos_uri#de":""}`: true, `{"Other":1,"-":2}`: true,
	} {
		if got := checkPlain(t, []byte(body)); got != want {
			t.Errorf("%s: read plainly: %t, want %t", body, got, want)
		}
	}
	for _, body := range append([]string{minimal, usual}, everyMember...) {
		if !checkPlain(t, []byte(body)) {
			t.Errorf("%s is not read plainly", body)
		}
	}
}
