package bearer_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/internal/keyset"
	"registrar/server/bearer"
)

// signRaw signs claims with a header that no library makes.
func signRaw(t testing.TB, key *ecdsa.PrivateKey, header, claims string) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(header)) + "." + encode([]byte(claims))
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return input + "." + encode(signature)
}

// A header is checked whole: a member of the wrong type does not count as left out.
func TestHeadersAreStrict(t *testing.T) {
	key := newKey(t)
	v := newVerifier(t, keyset.Issuers{issuer: newSet(t, "k", key)})
	b, err := json.Marshal(good(nil))
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{
		`{"alg":"ES256"}`: "",
		`{"alg":"ES256","kid":"k","typ":"at+jwt","b64":true}`: "",
		`{"alg":"ES256","typ":null}`:                          "typ must be a string, not null",
		`{"alg":"ES256","typ":1}`:                             "typ must be a string, not a number",
		`{"alg":"ES256","typ":true}`:                          "typ must be a string",
		`{"alg":"ES256","typ":["logout+jwt"]}`:                "typ must be a string, not a list",
		`{"alg":"ES256","typ":{"a":"logout+jwt"}}`:            "typ must be a string, not an object",
		`{"alg":"ES256","typ":"logout+jwt","typ":"JWT"}`:      "not a JWT",
		`{"alg":"ES256","crit":null}`:                         "crit must be a list of strings",
		`{"alg":"ES256","crit":[]}`:                           "crit must be a list of strings",
		`{"alg":"ES256","crit":"exp"}`:                        "crit must be a list of strings",
		`{"alg":"ES256","crit":["exp"],"exp":1}`:              "crit demands",
		`{"alg":"ES256","crit":["b64"],"b64":true}`:           "crit demands",
		`{"alg":"ES256","b64":false}`:                         "b64 must be true",
		`{"alg":"ES256","kid":null}`:                          "kid must be a string",
		`{"alg":["ES256"]}`:                                   "not a JWT",
	} {
		caller, err := v.Verify(t.Context(), signRaw(t, key, header, string(b)))
		if want == "" && (err != nil || caller.Issuer != issuer) {
			t.Errorf("%s: got %v", header, err)
		}
		if want != "" && (!errors.Is(err, bearer.ErrInvalid) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want an error with %q", header, err, want)
		}
	}
}

// Only %x20 separates scopes, and only in a string: each element of a list is one scope.
func TestScopes(t *testing.T) {
	key := newKey(t)
	keys := newSet(t, "k", key)
	signing := jose.SigningKey{Algorithm: jose.ES256, Key: key}
	for _, tt := range []struct {
		name   string
		claims []string // ScopeClaims
		token  claims
		want   []string // scopes of the caller; nil means insufficient_scope
	}{
		{"words", nil, claims{"scope": "read registration"}, []string{"read", "registration"}},
		{"more spaces", nil, claims{"scope": "  read  registration "}, []string{"read", "registration"}},
		{"both claims", nil, claims{"scope": "read", "scp": []string{"registration", "write"}},
			[]string{"read", "registration", "write"}},
		{"a no-break space", nil, claims{"scope": "a\u00a0registration"}, nil},
		{"a no-break space after it", nil, claims{"scope": "registration\u00a0"}, nil},
		{"a tab", nil, claims{"scope": "a\tregistration"}, nil},
		{"a line break", nil, claims{"scope": "a\nregistration"}, nil},
		{"an ideographic space", nil, claims{"scope": nil, "scp": "a\u3000registration"}, nil},
		{"a list with a space in an element", nil, claims{"scope": nil, "scp": []string{"read registration"}}, nil},
		{"a list with a space after it", nil, claims{"scope": nil, "scp": []string{"registration "}}, nil},
		{"what is no scope is left out", nil, claims{"scope": nil, "scp": []string{"ré", "registration", "a b", ""}},
			[]string{"registration"}},
		{"null", nil, claims{"scope": claims(nil)}, nil},
		{"other letters", nil, claims{"scope": "Registration"}, nil},
		{"roles", []string{"roles"}, claims{"scope": nil, "roles": []string{"registration"}}, []string{"registration"}},
		{"roles are not looked for by default", nil, claims{"scope": nil, "roles": []string{"registration"}}, nil},
		{"scope is not, where another is named", []string{"roles"}, claims{"scope": "registration"}, nil},
		{"several names", []string{"roles", "scope"}, claims{"scope": "registration", "roles": []string{"a"}},
			[]string{"a", "registration"}},
		{"the name of a URL", []string{"https://app.example/roles"},
			claims{"scope": nil, "https://app.example/roles": "registration"}, []string{"registration"}},
		{"a claim with a purpose of its own", []string{"sub"}, claims{"scope": nil, "sub": "registration"},
			[]string{"registration"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newVerifierOf(t,
				map[string]bearer.Issuer{issuer: {Keys: keys, Audiences: []string{audience}, ScopeClaims: tt.claims}})
			caller, err := v.Verify(t.Context(), sign(t, signing, "", good(tt.token)))
			if refusal, ok := errors.AsType[*engine.Error](err); tt.want == nil && ok &&
				refusal.Code == engine.InsufficientScope {
				return
			}
			if err != nil || tt.want == nil {
				t.Fatalf("got %+v and %v, want the scopes %q", caller, err, tt.want)
			}
			if diff := cmp.Diff(tt.want, caller.Scopes); diff != "" {
				t.Errorf("scopes (-want +got):\n%s", diff)
			}
		})
	}
}

// A token is checked by the rules of its own issuer.
func TestRulesOfAnIssuer(t *testing.T) {
	key := newKey(t)
	keys := newSet(t, "k", key)
	signing := jose.SigningKey{Algorithm: jose.ES256, Key: key}
	const pool = "https://pool.example"
	v := newVerifierOf(t, map[string]bearer.Issuer{
		issuer: {Keys: keys, Audiences: []string{audience, "api"}},
		pool: {Keys: keys, AnyAudience: true, Require: []bearer.Requirement{{Claim: "token_use", Value: "access"},
			{Claim: "client_id", Value: "7"}}},
	})
	access := func(changes claims) claims {
		all := claims{"iss": pool, "aud": nil, "token_use": "access", "client_id": 7}
		for name, value := range changes {
			all[name] = value
		}
		return good(all)
	}
	for _, tt := range []struct {
		name   string
		claims claims
		want   string // part of the error; "" means a valid token
	}{
		{"another audience of the list", good(claims{"aud": "api"}), ""},
		{"no audience, where one is needed", good(claims{"aud": nil, "token_use": "access", "client_id": 7}),
			"audience is not https://registrar.example or api"},
		{"no audience", access(nil), ""},
		{"any audience", access(claims{"aud": "https://x.example"}), ""},
		{"an audience of the wrong type", access(claims{"aud": 1}), "wrong type"},
		{"an ID token", access(claims{"token_use": "id"}), "token_use is not access"},
		{"a required claim is missing", access(claims{"token_use": nil}), "token_use is not access"},
		{"one of two is missing", access(claims{"client_id": nil}), "client_id is not 7"},
		{"as text", access(claims{"client_id": "7"}), ""},
		{"in a list", access(claims{"token_use": []any{"id", "access"}, "client_id": []any{"7"}}), ""},
		{"not in a list", access(claims{"token_use": []any{"id", []any{"access"}}}), "token_use is not access"},
		{"a part of the text", access(claims{"token_use": "access id"}), "token_use is not access"},
		{"other letters", access(claims{"token_use": "Access"}), "token_use is not access"},
		{"an object", access(claims{"token_use": claims{"access": "access"}}), "token_use is not access"},
		{"expired all the same", access(claims{"exp": now - 60}), "expired"},
		{"bound all the same", access(claims{"cnf": claims{"jkt": "x"}}), "bound"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := v.Verify(t.Context(), sign(t, signing, "", tt.claims))
			if tt.want == "" && err != nil {
				t.Errorf("got %v", err)
			}
			if tt.want != "" && (!errors.Is(err, bearer.ErrInvalid) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
	for value, token := range map[string]string{"true": `true`, "1.50": `1.50`, "null": `"null"`, "a=b": `["a=b"]`} {
		v := newVerifierOf(t, map[string]bearer.Issuer{issuer: {Keys: keys, Audiences: []string{audience},
			Require: []bearer.Requirement{{Claim: "c", Value: value}}}})
		if _, err := v.Verify(t.Context(),
			sign(t, signing, "", good(claims{"c": json.RawMessage(token)}))); err != nil {
			t.Errorf("%s: %v", token, err)
		}
		for _, wrong := range []string{`null`, `1.5`, `false`, `""`, `[null]`} {
			if _, err := v.Verify(t.Context(),
				sign(t, signing, "", good(claims{"c": json.RawMessage(wrong)}))); err == nil {
				t.Errorf("%s instead of %s is accepted", wrong, value)
			}
		}
	}
}

// FuzzVerify checks that a token is accepted only if its header and its claims, read again, fulfil the rules: no crit,
// no other typ than that of an access token or none, the audience, the required claim, and the scope as one of its
// words.
func FuzzVerify(f *testing.F) {
	key := newKey(f)
	v := newVerifierOf(f, map[string]bearer.Issuer{issuer: {Keys: newSet(f, "k", key), Audiences: []string{audience},
		Require: []bearer.Requirement{{Claim: "use", Value: "access"}}}})
	const header = `{"alg":"ES256","typ":"at+jwt"}`
	claimsWith := func(members string) string {
		return `{"iss":"` + issuer + `","aud":["` + audience + `"],"exp":1900000000,"use":"access",` + members + `}`
	}
	for _, members := range []string{`"scope":"read registration"`, `"scp":["registration"]`,
		`"scope":"a\u00a0registration"`,
		`"scp":["a registration"]`, `"scope":1`, `"scope":null,"scp":null`, `"scope":"registration","nbf":"x"`,
		`"scope":"registration","cnf":{}`, `"scope":"registration","software_id":"a"`,
		`"scope":"registration","scope":""`} {
		f.Add(header, claimsWith(members))
	}
	for _, other := range []string{`{"alg":"ES256"}`, `{"alg":"ES256","typ":["at+jwt"]}`, `{"alg":"ES256","crit":[]}`,
		`{"alg":"none"}`, `{"alg":"ES256","kid":"k","typ":"application/at+jwt","b64":true}`} {
		f.Add(other, claimsWith(`"scope":"registration"`))
	}
	f.Fuzz(func(t *testing.T, header, payload string) {
		caller, err := v.Verify(t.Context(), signRaw(t, key, header, payload))
		if _, refused := errors.AsType[*engine.Error](err); err != nil {
			if !refused && !errors.Is(err, bearer.ErrInvalid) {
				t.Fatalf("%q %q: %v", header, payload, err)
			}
			return
		}
		var h, c map[string]any
		if err := errors.Join(json.Unmarshal([]byte(header), &h), json.Unmarshal([]byte(payload), &c)); err != nil {
			t.Fatalf("%q %q: accepted, but %v", header, payload, err)
		}
		typ, isText := h["typ"].(string)
		_, typed := h["typ"]
		_, critical := h["crit"]
		if critical || typed != isText ||
			!slices.Contains([]string{"", "jwt", "at+jwt"}, strings.TrimPrefix(strings.ToLower(typ), "application/")) {
			t.Fatalf("%q: accepted", header)
		}
		if c["iss"] != issuer || c["cnf"] != nil || !holds(c["aud"], audience) || !holds(c["use"], "access") ||
			!(slices.Contains(strings.Split(text(c["scope"]), " "), "registration") ||
				slices.Contains(strings.Split(text(c["scp"]), " "), "registration") ||
				inList(c["scope"], "registration") || inList(c["scp"], "registration")) {
			t.Fatalf("%q: accepted as %+v", payload, caller)
		}
	})
}

func text(claim any) string { s, _ := claim.(string); return s }

func inList(claim any, value string) bool {
	list, _ := claim.([]any)
	return slices.Contains(list, any(value))
}

func holds(claim any, value string) bool { return claim == value || inList(claim, value) }
