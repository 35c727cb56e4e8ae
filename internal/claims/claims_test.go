package claims

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, document string) *Validity {
	t.Helper()
	var r Validity
	if err := json.Unmarshal([]byte(document), &r); err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	return &r
}

func TestDates(t *testing.T) {
	const leeway = 10 * time.Second
	now := time.Unix(1000, 900_000_000)
	for document, want := range map[string]struct{ expired, early bool }{
		`{}`:                      {},
		`{"exp":null,"nbf":null}`: {},
		`{"exp":991}`:             {},
		`{"exp":990}`:             {expired: true},
		`{"exp":991.9}`:           {},              // as 991
		`{"exp":990.95}`:          {expired: true}, // as 990
		`{"exp":0}`:               {expired: true},
		`{"exp":-1}`:              {expired: true},
		`{"exp":1e10}`:            {},
		`{"exp":4e18}`:            {},
		`{"exp":-4e18}`:           {expired: true},
		`{"nbf":1010}`:            {},
		`{"nbf":1010.99}`:         {}, // as 1010
		`{"nbf":1011}`:            {early: true},
		`{"nbf":4e18}`:            {early: true},
		`{"nbf":-4e18}`:           {},
	} {
		r := read(t, document)
		if expired, early := r.Expired(now, leeway), r.Early(now, leeway); expired != want.expired ||
			early != want.early {
			t.Errorf("%s: got expired %v and early %v, want %v and %v", document, expired, early, want.expired,
				want.early)
		}
	}
}

func TestAudience(t *testing.T) {
	for document, want := range map[string]bool{
		`{}`:                  false,
		`{"aud":null}`:        false,
		`{"aud":[]}`:          false,
		`{"aud":""}`:          false,
		`{"aud":"b"}`:         true,
		`{"aud":["x","c"]}`:   true,
		`{"aud":["\u0062"]}`:  true,
		`{"aud":"B"}`:         false,
		`{"aud":"b c"}`:       false,
		`{"aud":["x","b/"]}`:  false,
		`{"aud":["ab","bc"]}`: false,
	} {
		if got := read(t, document).For("b", "c"); got != want {
			t.Errorf("%s: got %v, want %v", document, got, want)
		}
	}
}

func TestClaimsOfTheWrongType(t *testing.T) {
	for _, document := range []string{
		`{"aud":1}`, `{"aud":{}}`, `{"aud":[1]}`, `{"aud":["b",null]}`, `{"aud":[["b"]]}`, `{"aud":true}`,
		`{"exp":"1900000000"}`, `{"exp":true}`, `{"exp":[]}`, `{"exp":1e300}`, `{"exp":5e18}`, `{"nbf":-5e18}`,
		`{"nbf":"x"}`,
		`{"nbf":[]}`, `{"nbf":{}}`, `{"exp":{}}`, `{"exp":""}`, `{"iat":"1900000000"}`, `{"iat":[]}`, `{"iat":true}`,
		`{"iat":{}}`,
		`{"iss":1}`, `{"iss":"a","iss":"b"}`, `[]`,
	} {
		var r Validity
		if err := json.Unmarshal([]byte(document), &r); err == nil {
			t.Errorf("%s: got %+v, want an error", document, r)
		}
	}
}

func TestStrings(t *testing.T) {
	for document, want := range map[string]Strings{`"a b"`: {"a b"}, `["a","b"]`: {"a", "b"}, `[]`: {}, `null`: nil} {
		var got Strings
		if err := json.Unmarshal([]byte(document), &got); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: got %#v and %v, want %#v", document, got, err, want)
		}
	}
}
