package engine

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// An issuer signs software statements.
type issuer struct {
	name string
	key  ed25519.PrivateKey
}

func newIssuer(name string) issuer {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return issuer{name, ed25519.NewKeyFromSeed(seed)}
}

// sign returns a statement with the given payload.
func (i issuer) sign(t testing.TB, claims string, headers map[jose.HeaderKey]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: i.key},
		&jose.SignerOptions{ExtraHeaders: headers})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	statement, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return statement
}

// signRaw is sign with a header that no library makes.
func (i issuer) signRaw(header, claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(header)) + "." + encode([]byte(claims))
	return input + "." + encode(ed25519.Sign(i.key, []byte(input)))
}

// trusting returns a configuration that trusts the issuer.
func (i issuer) trusting(o Options) Config {
	keys := func(_ context.Context, name, _ string, _ jose.SignatureAlgorithm) ([]jose.JSONWebKey, error) {
		if name != i.name {
			return nil, ErrUntrusted
		}
		return []jose.JSONWebKey{{Key: i.key.Public()}}, nil
	}
	return Config{Options: o, StatementKeys: keys}
}

func withStatement(statement string) string {
	return `{"redirect_uris":["https://app.example/cb"],"client_name":"Body","client_name#fr":"Corps",` +
		`"logo_uri":"https://app.example/logo","software_id":"body","tier":"body",` +
		`"software_statement":"` + statement + `"}`
}

func TestClaimsStandInPlaceOfTheBody(t *testing.T) {
	board := newIssuer("board")
	statement := board.sign(t, `{"iss":"board","sub":"x","jti":"1","client_id":"mine","client_name":"Claim",
		"redirect_uris":["https://claim.example/cb"],"software_id":"claim","software_version":"2","tier":"claim",
		"logo_uri":null,"default_max_age":5}`, nil)
	var seen *Registration
	c := board.trusting(Options{EchoExtensions: []string{"tier", "sub"}})
	c.Overrides = override(func(r *Registration, _ *Steps) { seen = r })
	got, err := register(t, c, withStatement(statement))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"client_name": "Claim", "redirect_uris": []any{"https://claim.example/cb"},
		"software_id": "claim", "software_version": "2",
		"tier": "claim", "logo_uri": "https://app.example/logo", "default_max_age": 5.0,
		"software_statement": statement, "client_name#fr": nil, "sub": nil}
	for name, value := range want {
		if diff := cmp.Diff(value, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got["client_id"] == "mine" {
		t.Error("the client_id of a statement was taken")
	}
	if id, there := seen.Request.Metadata.Other["client_id"]; there {
		t.Errorf("the steps see the client_id %s of a statement", id)
	}
	if !strings.Contains(string(seen.Statement), `"jti":"1"`) {
		t.Errorf("scripts read %s", seen.Statement)
	}
	if raw := string(seen.Request.Raw); !strings.Contains(raw, `"Body"`) || strings.Contains(raw, `"Claim"`) {
		t.Errorf("the request as sent is now %s", raw)
	}
}

// Restore removes a statement's claims, and a rerun begins with the request as sent.
func TestStatementIsRestored(t *testing.T) {
	board := newIssuer("board")
	statement := board.sign(t, `{"iss":"board","client_name":"Claim"}`, nil)
	request, err := ParseRequest([]byte(withStatement(statement)))
	if err != nil {
		t.Fatal(err)
	}
	c := board.trusting(Options{})
	c.Overrides = override(func(_ *Registration, s *Steps) {
		base := s.ValidateSoftwareStatement
		s.ValidateSoftwareStatement = func(ctx context.Context, r *Registration) error {
			entry := r.Snapshot()
			if err := base(ctx, r); err != nil || r.Statement == nil || r.Request.Metadata.ClientName != "Claim" {
				t.Errorf("after the base: got %v with %s, want the claims", err, r.Statement)
			}
			r.Restore(&entry)
			if r.Statement != nil || r.Request.Metadata.ClientName != "Body" {
				t.Errorf("after Restore: got %s and %q, want no claims", r.Statement, r.Request.Metadata.ClientName)
			}
			return base(ctx, r)
		}
	})
	r, err := newEngine(t, c).Register(t.Context(), request, &Caller{})
	if err != nil {
		t.Fatal(err)
	}
	if request.Metadata.ClientName != "Body" {
		t.Error("the request of the caller was changed")
	}
	_, err = r.Rerun(t.Context(), ModeShadow, override(func(again *Registration, _ *Steps) {
		if again.Request.Metadata.ClientName != "Body" {
			t.Errorf("the rerun begins with client_name %q, want Body", again.Request.Metadata.ClientName)
		}
	}))
	if err != nil {
		t.Error(err)
	}
}

func TestStatementsThatAreRefused(t *testing.T) {
	board, other := newIssuer("board"), newIssuer("other")
	now := arrival.Unix()
	good := board.sign(t, `{"iss":"board"}`, nil)
	header, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	encode := base64.RawURLEncoding.EncodeToString
	attacker := newIssuer("attacker")
	embedded, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: attacker.key},
		&jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := embedded.Sign([]byte(`{"iss":"board"}`))
	if err != nil {
		t.Fatal(err)
	}
	withKey, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	public := jose.JSONWebKey{Key: attacker.key.Public(), KeyID: "k"}
	inClaim, err := public.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	const plain = `{"iss":"board"}`
	headed := func(header string) string { return board.signRaw(header, plain) }
	claiming := func(claims string) string { return board.sign(t, claims, nil) }
	for name, tt := range map[string]struct{ statement, words string }{
		"no JWS":             {"abc", "compact form"},
		"unsigned":           {encode([]byte(`{"alg":"none"}`)) + "." + payload + ".", "compact form"},
		"unsigned, any case": {encode([]byte(`{"alg":"NonE"}`)) + "." + payload + ".", "compact form"},
		"symmetric": {encode([]byte(`{"alg":"HS256"}`)) + "." + payload + "." + signature,
			"compact form"},
		"no signature": {header + "." + payload + ".", "not signed by a key"},
		"another signature": {header + "." + encode([]byte(`{"iss":"board","a":1}`)) + "." + signature,
			"not signed by a key"},
		"another's key": {other.sign(t, `{"iss":"board"}`, nil), "not signed by a key"},
		"its own key":   {withKey, "not signed by a key"},
		"a jku": {attacker.signRaw(`{"alg":"EdDSA","jku":"https://attacker.example/jwks"}`, plain),
			"not signed by a key"},
		"an x5u": {attacker.signRaw(`{"alg":"EdDSA","x5u":"https://attacker.example/x"}`, plain),
			"not signed by a key"},
		"keys in a claim": {attacker.sign(t, `{"iss":"board","jwks":{"keys":[`+string(inClaim)+`]}}`, nil),
			"not signed by a key"},
		"unknown crit":         {headed(`{"alg":"EdDSA","crit":["x"],"x":1}`), "crit demands 'x'"},
		"crit of null":         {headed(`{"alg":"EdDSA","crit":null}`), "crit must be a list of strings"},
		"crit of nothing":      {headed(`{"alg":"EdDSA","crit":[]}`), "crit must be a list of strings"},
		"crit of a string":     {headed(`{"alg":"EdDSA","crit":"x"}`), "crit must be a list of strings"},
		"a crit that jose has": {headed(`{"alg":"EdDSA","crit":["b64"],"b64":true}`), "crit demands 'b64'"},
		"typ of a list":        {headed(`{"alg":"EdDSA","typ":["at+jwt"]}`), "typ must be a string, not a list"},
		"typ of a number":      {headed(`{"alg":"EdDSA","typ":1}`), "typ must be a string, not a number"},
		"typ of null":          {headed(`{"alg":"EdDSA","typ":null}`), "typ must be a string, not null"},
		"two typs":             {headed(`{"alg":"EdDSA","typ":"at+jwt","typ":"JWT"}`), "compact form"},
		"kid of null":          {headed(`{"alg":"EdDSA","kid":null}`), "kid must be a string"},
		"line breaks":          {strings.Replace(good, ".", `\n.`, 1), "compact form"},
		"at+jwt in full":       {headed(`{"alg":"EdDSA","typ":"application/AT+JWT"}`), "the typ 'at+jwt'"},
		"exp of text":          {claiming(`{"iss":"board","exp":"1"}`), "wrong type"},
		"nbf of a list":        {claiming(`{"iss":"board","nbf":[]}`), "wrong type"},
		"iat of text":          {claiming(`{"iss":"board","iat":"2026-01-01"}`), "iat or aud of the wrong type"},
		"an access token":      {headed(`{"alg":"EdDSA","typ":"at+jwt"}`), "the typ 'at+jwt'"},
		"no issuer":            {claiming(`{}`), "no iss"},
		"an empty issuer":      {claiming(`{"iss":""}`), "no iss"},
		"an issuer of number":  {claiming(`{"iss":1}`), "wrong type"},
		"no object":            {claiming(`["board"]`), "JSON object"},
		"two issuers":          {claiming(`{"iss":"other","iss":"board"}`), "not hold valid JSON"},
		"deep": {claiming(`{"iss":"board","a":` + strings.Repeat("[", 101) + strings.Repeat("]", 101) + `}`),
			"nested"},
		"expired":      {claiming(fmt.Sprintf(`{"iss":"board","exp":%d}`, now-61)), "expired"},
		"not yet":      {claiming(fmt.Sprintf(`{"iss":"board","nbf":%d}`, now+62)), "is not valid yet"},
		"for another":  {claiming(`{"iss":"board","aud":["https://other.example"]}`), "aud"},
		"for a number": {claiming(`{"iss":"board","aud":1}`), "aud of the wrong type"},
		"a claim of a type": {claiming(`{"iss":"board","redirect_uris":"https://app.example"}`),
			"redirect_uris must be a list"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := register(t, board.trusting(Options{StatementAudiences: []string{"https://auth.example"}}),
				withStatement(tt.statement))
			wantRefusal(t, err, InvalidSoftwareStatement, tt.words)
		})
	}
	_, err = register(t, board.trusting(Options{}), withStatement(other.sign(t, `{"iss":"other"}`, nil)))
	wantRefusal(t, err, UnapprovedSoftwareStatement, "'other' is not trusted")
	for name, claims := range map[string]string{
		"no time":      `{"iss":"board"}`,
		"good time":    fmt.Sprintf(`{"iss":"board","exp":%d,"nbf":%d.5}`, now-59, now+59),
		"one audience": `{"iss":"board","aud":"https://auth.example"}`,
		"two of them":  `{"iss":"board","aud":["x","https://auth.example"]}`,
	} {
		c := board.trusting(Options{StatementAudiences: []string{"https://auth.example"}})
		if _, err := register(t, c,
			withStatement(board.sign(t, claims, map[jose.HeaderKey]any{"typ": "jwt"}))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStatementMayBeRequired(t *testing.T) {
	board := newIssuer("board")
	_, err := register(t, board.trusting(Options{RequireSoftwareStatement: true}), minimal)
	wantRefusal(t, err, InvalidSoftwareStatement, "software_statement is missing")
	body := withStatement(board.sign(t, `{"iss":"board"}`, nil))
	if _, err := register(t, board.trusting(Options{RequireSoftwareStatement: true}), body); err != nil {
		t.Error(err)
	}
}

func TestStatementKeysUnavailable(t *testing.T) {
	board := newIssuer("board")
	c := Config{StatementKeys: func(context.Context, string, string, jose.SignatureAlgorithm) ([]jose.JSONWebKey,
		error) {
		return nil, ErrUnavailable
	}}
	if _, err := register(t, c, withStatement(board.sign(t, `{"iss":"board"}`, nil))); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

func TestParseStatement(t *testing.T) {
	r, err := ParseStatement([]byte(" a.b-_.C9\r\n"))
	if err != nil || r.Metadata.SoftwareStatement != "a.b-_.C9" ||
		string(r.Raw) != `{"software_statement":"a.b-_.C9"}` {
		t.Errorf("got %+v, %v", r, err)
	}
	for _, body := range []string{"", "  ", `{"software_statement":"a"}`, `a"b`, "a b", "\xff", "a\\u0000",
		"a.b.c\u00a0"} {
		if _, err := ParseStatement([]byte(body)); err == nil {
			t.Errorf("%q: got no error", body)
		}
	}
}

// FuzzSoftwareStatement checks that no statement panics, that the only errors are of type *Error, that statements
// without the issuer's signature are refused, and that one with crit, or with a typ other than JWT, is too. A statement
// is signed with the header unless that is empty.
func FuzzSoftwareStatement(f *testing.F) {
	board := newIssuer("board")
	const plain = `{"alg":"EdDSA"}`
	for _, claims := range []string{
		`{"iss":"board"}`,
		`{"iss":"board","client_name#ja":"a","client_name":"b","exp":1e300,"aud":["x"]}`,
		`{"iss":"board","jwks":{"keys":[]},"redirect_uris":null,"software_version":1.50,"client_name":""}`,
		`{"iss":"board","software_id":"a","client_id":"b","azp":null,"iat":"x"}`,
		`[]`,
		"\xff",
	} {
		f.Add(plain, claims)
	}
	for _, header := range []string{`{"alg":"EdDSA","typ":"JWT","kid":"k"}`, `{"alg":"EdDSA","typ":["at+jwt"]}`,
		`{"alg":"EdDSA","crit":null}`, `{"alg":"EdDSA","crit":["b64"],"b64":false}`, `{"alg":"none"}`,
		`{"alg":"EdDSA","typ":"application/jwt","jwk":{}}`, `{"alg":"EdDSA","typ":"a","typ":"JWT"}`} {
		f.Add(header, `{"iss":"board"}`)
	}
	f.Add("", newIssuer("other").sign(f, `{"iss":"board"}`, nil))
	f.Fuzz(func(t *testing.T, header, claims string) {
		statement := claims
		if header != "" {
			statement = board.signRaw(header, claims)
		}
		request, err := ParseStatement([]byte(statement))
		if err != nil {
			return
		}
		r, err := newEngine(t, board.trusting(Options{EchoExtensions: []string{"tier"}})).Register(t.Context(), request,
			&Caller{})
		if _, refused := errors.AsType[*Error](err); err != nil && !refused {
			t.Fatalf("%q %q: %v", header, claims, err)
		}
		if err != nil {
			return
		}
		if header == "" {
			t.Fatalf("%q: registered without a signature", claims)
		}
		if r.Statement == nil || r.Client.Metadata.SoftwareStatement != statement {
			t.Fatalf("%q %q: the statement is not registered", header, claims)
		}
		checkFuzzedStatement(t, header, claims, r)
	})
}

// checkFuzzedStatement checks a statement that was accepted against another reading of its header and claims.
func checkFuzzedStatement(t *testing.T, header, claims string, r *Registration) {
	t.Helper()
	var h map[string]any
	var c map[string]jsontext.Value
	if err := errors.Join(json.Unmarshal([]byte(header), &h), json.Unmarshal([]byte(claims), &c)); err != nil {
		t.Fatalf("%q %q: registered, but %v", header, claims, err)
	}
	typ, isText := h["typ"].(string)
	_, hasType := h["typ"]
	_, critical := h["crit"]
	short := strings.TrimPrefix(strings.ToLower(typ), "application/")
	if critical || hasType != isText || short != "" && short != "jwt" {
		t.Fatalf("%q: registered", header)
	}
	version := c["software_version"]
	if version.Kind() == '0' && r.Client.Metadata.SoftwareVersion != string(version) {
		t.Fatalf("%q: software_version is %q", claims, r.Client.Metadata.SoftwareVersion)
	}
}
