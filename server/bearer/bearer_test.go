package bearer_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"registrar/engine"
	"registrar/internal/keyset"
	"registrar/server/bearer"
)

const (
	issuer   = "https://issuer.example"
	audience = "https://registrar.example"
	now      = 1_800_000_000
)

type claims map[string]any

// good returns the claims of a valid token, with changes; nil removes a claim.
func good(changes claims) claims {
	c := claims{"iss": issuer, "aud": audience, "exp": now + 60, "sub": "someone", "scope": "read registration"}
	for name, value := range changes {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newSet(t testing.TB, kid string, k *ecdsa.PrivateKey) *keyset.Set {
	t.Helper()
	b, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: k.Public(), KeyID: kid}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := keyset.New(keyset.Config{Source: file})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newVerifier(t testing.TB, sets keyset.Issuers) *bearer.Verifier {
	t.Helper()
	issuers := map[string]bearer.Issuer{}
	for name, keys := range sets {
		issuers[name] = bearer.Issuer{Keys: keys, Audiences: []string{audience}}
	}
	return newVerifierOf(t, issuers)
}

func newVerifierOf(t testing.TB, issuers map[string]bearer.Issuer) *bearer.Verifier {
	t.Helper()
	v, err := bearer.New(bearer.Config{Issuers: issuers, Scope: "registration",
		Now: func() time.Time { return time.Unix(now, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sign(t testing.TB, key jose.SigningKey, typ string, c any) string {
	t.Helper()
	payload, ok := c.(string)
	if !ok {
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		payload = string(b)
	}
	options := &jose.SignerOptions{}
	if typ != "" {
		options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(key, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestVerify(t *testing.T) {
	key, other := newKey(t), newKey(t)
	v := newVerifier(t, keyset.Issuers{issuer: newSet(t, "k", key), "https://other.example": newSet(t, "k", other)})
	by := func(k any) jose.SigningKey {
		return jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: k, KeyID: "k"}}
	}
	hmac := jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: make([]byte, 32), KeyID: "k"}}
	for _, tt := range []struct {
		name   string
		key    jose.SigningKey
		typ    string
		claims any
		want   string // part of the error; "" means a valid token
	}{
		{"plain", by(key), "", good(nil), ""},
		{"at+jwt", by(key), "at+jwt", good(nil), ""},
		{"another spelling", by(key), "Application/AT+JWT", good(nil), ""},
		{"several audiences", by(key), "JWT", good(claims{"aud": []string{"https://x.example", audience}}), ""},
		{"scp list", by(key), "", good(claims{"scope": nil, "scp": []string{"read", "registration"}}), ""},
		{"scp words", by(key), "", good(claims{"scope": nil, "scp": "read registration"}), ""},
		{"fraction of a second", by(key), "", good(claims{"exp": now + 0.5, "nbf": now - 0.5}), ""},
		{"within the leeway", by(key), "", good(claims{"exp": now - 29, "nbf": now + 29}), ""},
		{"no subject", by(key), "", good(claims{"sub": nil}), ""},
		{"software of a client", by(key), "", good(claims{"software_id": "s", "client_id": "c"}), ""},
		{"software of a client, typed", by(key), "at+jwt", good(claims{"software_id": "s"}), ""},

		{"expired", by(key), "", good(claims{"exp": now - 30}), "expired"},
		{"never expires", by(key), "", good(claims{"exp": nil}), "no exp"},
		{"exp is null", by(key), "", `{"iss":"` + issuer + `","aud":"` + audience +
			`","exp":null,"scope":"registration"}`, "no exp"},
		{"exp is text", by(key), "", good(claims{"exp": "1900000000"}), "wrong type"},
		{"exp is too large", by(key), "", good(claims{"exp": 1e300}), "wrong type"},
		{"not yet", by(key), "", good(claims{"nbf": now + 31}), "future"},
		{"no audience", by(key), "", good(claims{"aud": nil}), "audience"},
		{"another audience", by(key), "", good(claims{"aud": audience + "/"}), "audience"},
		{"audience of a wrong type", by(key), "", good(claims{"aud": 1}), "wrong type"},
		{"no issuer", by(key), "", good(claims{"iss": nil}), "not trusted"},
		{"an untrusted issuer", by(key), "", good(claims{"iss": issuer + "/"}), "not trusted"},
		{"a trusted issuer's key for another's token", by(other), "", good(nil), "signature is wrong"},
		{"a stranger's key", by(newKey(t)), "", good(nil), "signature is wrong"},
		{"HMAC", hmac, "", good(nil), "algorithm"},
		{"another type", by(key), "logout+jwt", good(nil), "type"},
		{"bound to a key", by(key), "", good(claims{"cnf": claims{"jkt": "x"}}), "bound"},
		{"not an object", by(key), "", `["iss"]`, "JSON object"},
		{"not JSON", by(key), "", `iss`, "JSON object"},
		{"a claim twice", by(key), "",
			`{"iss":"https://issuer.example","iss":"https://other.example","exp":1900000000}`, "JSON object"},
		{"scope of a wrong type", by(key), "", good(claims{"scope": 1}), "wrong type"},
		{"scp of a wrong type", by(key), "", good(claims{"scp": []any{"registration", nil}}), "wrong type"},
		{"nbf of a wrong type", by(key), "", good(claims{"nbf": []int{1}}), "wrong type"},
		{"iat of a wrong type", by(key), "", good(claims{"iat": "1900000000"}), "wrong type"},
		{"a software statement", by(key), "JWT", good(claims{"software_id": "s"}), "software statement"},
		{"a software statement, untyped", by(key), "",
			good(claims{"software_id": "s", "client_id": "", "azp": claims(nil)}), "software statement"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			caller, err := v.Verify(t.Context(), sign(t, tt.key, tt.typ, tt.claims))
			if tt.want == "" {
				if err != nil || caller.Auth != engine.AuthJWT || caller.Issuer != issuer {
					t.Errorf("got %+v and %v, want a caller of the issuer", caller, err)
				}
				return
			}
			if !errors.Is(err, bearer.ErrInvalid) || !strings.Contains(err.Error(), tt.want) || caller != nil {
				t.Errorf("got %+v and %v, want an error with %q", caller, err, tt.want)
			}
		})
	}
}

func TestCaller(t *testing.T) {
	key := newKey(t)
	v := newVerifier(t, keyset.Issuers{issuer: newSet(t, "k", key)})
	signing := jose.SigningKey{Algorithm: jose.ES256, Key: key} // without a kid every key is tried
	got, err := v.Verify(t.Context(), sign(t, signing, "", good(claims{"jti": "7", "tenant": "blue"})))
	if err != nil {
		t.Fatal(err)
	}
	want := &engine.Caller{Auth: engine.AuthJWT, Issuer: issuer, Subject: "someone", TokenID: "7",
		Scopes: []string{"read", "registration"}, Claims: got.Claims}
	diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}))
	if diff != "" || !strings.Contains(string(got.Claims), `"tenant":"blue"`) {
		t.Errorf("caller (-want +got):\n%s\nclaims %s", diff, got.Claims)
	}
	refusal, ok := errors.AsType[*engine.Error](func() error {
		_, err := v.Verify(t.Context(), sign(t, signing, "", good(claims{"scope": "registrations read"})))
		return err
	}())
	if !ok || refusal.Code != engine.InsufficientScope {
		t.Errorf("without the scope: got %v, want %s", refusal, engine.InsufficientScope)
	}
}

// Verify rejects tokens that JOSE libraries do not create.
func TestForged(t *testing.T) {
	key := newKey(t)
	v := newVerifier(t, keyset.Issuers{issuer: newSet(t, "k", key)})
	token := sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, "", good(nil))
	parts := strings.Split(token, ".")
	header := func(json string) string { return base64.RawURLEncoding.EncodeToString([]byte(json)) }
	own, err := jose.JSONWebKey{Key: newKey(t).Public()}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for name, forged := range map[string]string{
		"none":         header(`{"alg":"none"}`) + "." + parts[1] + ".",
		"None":         header(`{"alg":"None"}`) + "." + parts[1] + ".",
		"no algorithm": header(`{}`) + "." + parts[1] + "." + parts[2],
		"no signature": parts[0] + "." + parts[1] + ".",
		"another payload": parts[0] + "." +
			header(`{"iss":"`+issuer+`","aud":"`+audience+`","exp":1900000000,"scope":"registration"}`) + "." +
			parts[2],
		"a critical header": header(`{"alg":"ES256","kid":"k","crit":["x"],"x":1}`) + "." + parts[1] + "." + parts[2],
		"a crit of null":    header(`{"alg":"ES256","kid":"k","crit":null}`) + "." + parts[1] + "." + parts[2],
		"a typ of a list":   header(`{"alg":"ES256","kid":"k","typ":["at+jwt"]}`) + "." + parts[1] + "." + parts[2],
		"an embedded key": header(`{"alg":"ES256","kid":"k","jwk":`+string(own)+`}`) + "." + parts[1] + "." +
			parts[2],
		"a key from a URL": header(`{"alg":"ES256","kid":"other","jku":"https://evil.example"}`) + "." + parts[1] +
			"." + parts[2],
		"four parts":        token + ".x",
		"two parts":         parts[0] + "." + parts[1],
		"nothing":           "",
		"dots":              "..",
		"JSON":              `{"payload":"e30","signatures":[]}`,
		"a wrong signature": parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
	} {
		if caller, err := v.Verify(t.Context(), forged); !errors.Is(err, bearer.ErrInvalid) || caller != nil {
			t.Errorf("%s: got %+v and %v, want %v", name, caller, err, bearer.ErrInvalid)
		}
	}
}

func TestKeysUnavailable(t *testing.T) {
	away := httptest.NewServer(http.NotFoundHandler())
	defer away.Close()
	keys, err := keyset.New(keyset.Config{Source: away.URL, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, keyset.Issuers{issuer: keys})
	_, err = v.Verify(t.Context(), sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: newKey(t)}, "", good(nil)))
	if !errors.Is(err, engine.ErrUnavailable) || errors.Is(err, bearer.ErrInvalid) {
		t.Errorf("got %v, want %v", err, engine.ErrUnavailable)
	}
}

func TestNewRefuses(t *testing.T) {
	set := newSet(t, "k", newKey(t))
	require := []bearer.Requirement{{Claim: "a", Value: "b"}}
	good := bearer.Issuer{Keys: set, Audiences: []string{audience}}
	for name, c := range map[string]bearer.Config{
		"no scope":   {Issuers: map[string]bearer.Issuer{issuer: good}},
		"two scopes": {Scope: "a b", Issuers: map[string]bearer.Issuer{issuer: good}},
		"no name":    {Scope: "s", Issuers: map[string]bearer.Issuer{"": good}},
		"no issuer":  {Scope: "s"},
	} {
		if _, err := bearer.New(c); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	for name, i := range map[string]bearer.Issuer{
		"no keys":                      {Audiences: []string{audience}},
		"no audience":                  {Keys: set},
		"an empty audience":            {Keys: set, Audiences: []string{""}},
		"any audience and one":         {Keys: set, Audiences: []string{audience}, AnyAudience: true, Require: require},
		"any audience, nothing else":   {Keys: set, AnyAudience: true},
		"a scope claim without a name": {Keys: set, Audiences: []string{audience}, ScopeClaims: []string{""}},
		"a required claim of no name":  {Keys: set, AnyAudience: true, Require: []bearer.Requirement{{Value: "b"}}},
		"a required claim of no value": {Keys: set, AnyAudience: true, Require: []bearer.Requirement{{Claim: "a"}}},
	} {
		if _, err := bearer.New(bearer.Config{Scope: "s", Issuers: map[string]bearer.Issuer{issuer: i}}); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestTrusts(t *testing.T) {
	v := newVerifier(t, keyset.Issuers{issuer: newSet(t, "k", newKey(t))})
	if !v.Trusts(issuer) || v.Trusts(issuer+"/") || (*bearer.Verifier)(nil).Trusts(issuer) {
		t.Error("want the issuer to be trusted, another not, and none by a nil Verifier")
	}
}

// A scope is granted only if it is a word of its own, between spaces (%x20).
func TestScopeGrammar(t *testing.T) {
	key := newKey(t)
	v := newVerifier(t, keyset.Issuers{issuer: newSet(t, "k", key)})
	for _, tt := range []struct {
		scope any // of the claim scope
		want  []string
	}{
		{"registration", []string{"registration"}},
		{"a  registration a ", []string{"a", "registration"}},
		{[]string{"registration", "a b", "registration"}, []string{"registration"}},
		{"a\u00a0b registration \"c", []string{"registration"}},
		{"a\u00a0registration", nil},
		{"registration\u00a0", nil},
		{"a\nregistration", nil},
		{"a\tregistration", nil},
		{"a\u2003registration", nil},
		{"\u0085registration", nil},
		{"a,registration", nil},
		{"Registration", nil},
		{[]string{"registration\n"}, nil},
		{"", nil},
	} {
		for _, claim := range []string{"scope", "scp"} {
			c := good(claims{"scope": nil})
			c[claim] = tt.scope
			caller, err := v.Verify(t.Context(), sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: key}, "", c))
			if tt.want == nil {
				if refusal, ok := errors.AsType[*engine.Error](err); !ok || refusal.Code != engine.InsufficientScope {
					t.Errorf("%s %q: got %v, want %s", claim, tt.scope, err, engine.InsufficientScope)
				}
				continue
			}
			if err != nil || !cmp.Equal(caller.Scopes, tt.want) {
				t.Errorf("%s %q: got %+v and %v, want the scopes %q", claim, tt.scope, caller, err, tt.want)
			}
		}
	}
}
