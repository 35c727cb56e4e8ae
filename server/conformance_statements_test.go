package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"

	"registrar/engine"
	"registrar/internal/keyset"
	"registrar/server"
)

// conformanceStatements lists the tests of software statements.
var conformanceStatements = []conformanceTest{
	{"23_bad_statements", testBadStatements},
	{"24_unapproved_statements", testUnapprovedStatements},
	{"25_claims_override", testClaimsOverride},
	{"26_statement_returned", testStatementReturned},
	{"27_keys_of_statements", testKeysOfStatements},
	{"28_software", testSoftware},
}

// A board issues software statements. Its key set is a file.
type board struct {
	t    testing.TB
	name string
	key  jose.JSONWebKey
	file string
}

func newBoard(t testing.TB, name string) *board {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &board{t, name, jose.JSONWebKey{Key: private, KeyID: name + "-1", Algorithm: "ES256", Use: "sig"},
		filepath.Join(t.TempDir(), "jwks.json")}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{b.key.Public()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.file, set, 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

// sign returns a statement. claims replaces default claims; nil removes one.
func (b *board) sign(claims map[string]any, headers map[jose.HeaderKey]any) string {
	b.t.Helper()
	all := map[string]any{"iss": b.name, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range claims {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	payload, err := json.Marshal(all, json.Deterministic(true))
	if err != nil {
		b.t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: b.key},
		&jose.SignerOptions{ExtraHeaders: headers})
	if err != nil {
		b.t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		b.t.Fatal(err)
	}
	statement, err := signed.CompactSerialize()
	if err != nil {
		b.t.Fatal(err)
	}
	return statement
}

// trusted returns a setup whose server trusts the board.
func (b *board) trusted(s setup) setup {
	b.t.Helper()
	issuers, err := keyset.ParseIssuers([]string{b.name + "=" + b.file}, keyset.Config{})
	if err != nil {
		b.t.Fatal(err)
	}
	s.engine = func(c *engine.Config) { c.StatementKeys = issuers.StatementKeys }
	return s
}

func bearing(statement string) string {
	return `{` + web + `,"software_statement":"` + statement + `"}`
}

const boardName = "https://board.example"

func testBadStatements(t *testing.T, site siteFunc) {
	b := newBoard(t, boardName)
	s := site(b.trusted(setup{}))
	encode := base64.RawURLEncoding.EncodeToString
	good := strings.Split(b.sign(nil, nil), ".")
	stranger := newBoard(t, boardName) // the same name and key ID, another key
	for _, tt := range []struct{ statement, words string }{
		{encode([]byte(`{"alg":"none"}`)) + "." + good[1] + ".", "compact form"},
		{"no.statement", "compact form"},
		{good[0] + "." + good[1], "compact form"},
		{good[0] + "." + encode([]byte(`{"iss":"https://board.example","a":1}`)) + "." + good[2],
			"not signed by a key"},
		{stranger.sign(nil, nil), "not signed by a key"},
		{b.sign(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}, nil), "has expired"},
		{b.sign(map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}, nil), "is not valid yet"},
		{b.sign(map[string]any{"iss": nil}, nil), "no iss"},
		{b.sign(nil, map[jose.HeaderKey]any{"typ": []string{"at+jwt"}}), "typ must be a string, not a list"},
		{b.sign(nil, map[jose.HeaderKey]any{"typ": nil}), "typ must be a string, not null"},
		{b.sign(nil, map[jose.HeaderKey]any{"crit": nil}), "crit must be a list of strings, not empty"},
		{b.sign(nil, map[jose.HeaderKey]any{"crit": []string{}}), "crit must be a list of strings, not empty"},
		{b.sign(nil, map[jose.HeaderKey]any{"crit": []string{"exp"}, "exp": 1}), "crit demands 'exp'"},
		{b.sign(map[string]any{"iat": "now"}, nil), "wrong type"},
	} {
		s.refused(bearing(tt.statement), "invalid_software_statement", tt.words)
	}
	s.refused(`{`+web+`,"software_statement":1}`, "invalid_client_metadata", "software_statement must be a string")
	s.registered(bearing(b.sign(nil, nil)))
	required := site(b.trusted(setup{options: engine.Options{RequireSoftwareStatement: true}}))
	required.refused(`{`+web+`}`, "invalid_software_statement", "software_statement is missing")
	required.registered(bearing(b.sign(nil, nil)))
}

func testUnapprovedStatements(t *testing.T, site siteFunc) {
	b, other := newBoard(t, boardName), newBoard(t, "https://other.example")
	site(setup{}).refused(bearing(b.sign(nil, nil)), "unapproved_software_statement",
		"no issuer of software statements is trusted here")
	s := site(b.trusted(setup{}))
	s.refused(bearing(other.sign(nil, nil)), "unapproved_software_statement",
		"'https://other.example' is not trusted here")
	s.refused(bearing(other.sign(map[string]any{"iss": boardName}, nil)), "invalid_software_statement",
		"not signed by a key")
	s.refused(bearing(b.sign(map[string]any{"exp": 1}, nil)), "invalid_software_statement", "has expired")
	checkStatementOrToken(t, site)
	// A script may accept the statement instead.
	s = site(setup{})
	s.deploy("own-statements")
	checkMembers(t, s.registered(bearing(other.sign(nil, nil))), map[string]any{"software_statement": nil})
}

func testClaimsOverride(t *testing.T, site siteFunc) {
	b := newBoard(t, boardName)
	s := site(b.trusted(setup{}))
	statement := b.sign(map[string]any{"redirect_uris": []string{"https://claim.example/cb"}, "client_name": "Claim",
		"grant_types":                []string{"authorization_code", "refresh_token"},
		"token_endpoint_auth_method": "none", "client_id": "mine", "scope": nil}, nil)
	got := s.registered(`{` + web +
		`,"client_name":"Body","client_name#fr":"Corps","contacts":["ops@app.example"],` +
		`"token_endpoint_auth_method":"client_secret_basic","software_statement":"` + statement + `"}`)
	checkMembers(t, got, map[string]any{"redirect_uris": []string{"https://claim.example/cb"}, "client_name": "Claim",
		"client_name#fr": nil, "contacts": []string{"ops@app.example"},
		"grant_types": []string{"authorization_code", "refresh_token"}, "token_endpoint_auth_method": "none",
		"client_secret": nil})
	if got["client_id"] == "mine" {
		t.Error("the client has the client_id of the statement")
	}
	// A claim that is null or "" replaces nothing.
	checkMembers(t, s.registered(`{`+web+`,"client_name":"Body","software_statement":"`+
		b.sign(map[string]any{"client_name": "", "logo_uri": ""}, nil)+`"}`),
		map[string]any{"client_name": "Body", "logo_uri": nil})
	// The same rules apply to claims.
	s.refused(bearing(b.sign(map[string]any{"redirect_uris": []string{"javascript:x"}}, nil)), "invalid_redirect_uri",
		"redirect_uris[0]")
	s.refused(bearing(b.sign(map[string]any{"redirect_uris": "https://claim.example/cb"}, nil)),
		"invalid_software_statement", "redirect_uris must be a list of strings")
}

func testStatementReturned(t *testing.T, site siteFunc) {
	b := newBoard(t, boardName)
	s := site(b.trusted(setup{server: server.Config{AcceptJWTBodies: true}}))
	statement := b.sign(map[string]any{"software_id": "4", "client_name": "Claim",
		"redirect_uris": []string{"https://claim.example/cb"}}, nil)
	want := map[string]any{"software_statement": statement, "software_id": "4", "client_name": "Claim",
		"redirect_uris": []string{"https://claim.example/cb"}, "iss": nil, "exp": nil}
	got := s.registered(bearing(statement))
	checkMembers(t, got, want)
	stored := s.call("GET", "/admin/v1/clients/"+got["client_id"].(string), "").want(http.StatusOK).json()
	checkMembers(t, stored["metadata"].(map[string]any), want)
	s.register(statement, "Content-Type: application/jwt").want(http.StatusCreated).wantMembers(want)
	s.register(`{}`, "Content-Type: application/jwt").want(http.StatusBadRequest).
		wantMembers(map[string]any{"error": "invalid_software_statement"})
	s.register(strings.Repeat("a", 64<<10+1), "Content-Type: application/jwt").want(http.StatusRequestEntityTooLarge)
	site(b.trusted(setup{})).register(statement, "Content-Type: application/jwt").want(http.StatusUnsupportedMediaType)
}

func testKeysOfStatements(t *testing.T, site siteFunc) {
	b, attacker := newBoard(t, boardName), newBoard(t, boardName)
	host := newWebHost(t)
	set, err := os.ReadFile(attacker.file)
	if err != nil {
		t.Fatal(err)
	}
	host.say("/jwks", string(set))
	s := site(host.fetched(b.trusted(setup{options: engine.Options{FetchJWKSURI: true}})))
	var keys map[string]any
	if err := json.Unmarshal(set, &keys); err != nil {
		t.Fatal(err)
	}
	public := attacker.key.Public()
	for name, statement := range map[string]string{
		"jwk":  attacker.sign(nil, map[jose.HeaderKey]any{"jwk": public}),
		"jku":  attacker.sign(nil, map[jose.HeaderKey]any{"jku": host.URL + "/jwks"}),
		"x5u":  attacker.sign(nil, map[jose.HeaderKey]any{"x5u": host.URL + "/jwks"}),
		"jwks": attacker.sign(map[string]any{"jwks": keys}, nil),
		"uri":  attacker.sign(map[string]any{"jwks_uri": host.URL + "/jwks"}, nil),
	} {
		s.refused(bearing(statement), "invalid_software_statement", "not signed by a key")
		if n := host.asked.Load(); n != 0 {
			t.Errorf("%s: the server fetched keys %d times, want never", name, n)
		}
	}
}

func testSoftware(t *testing.T, site siteFunc) {
	software := `"software_id":"4NRB1-0XZABZI9E6-5SM3R","software_version":"2.1 <beta>"`
	want := map[string]any{"software_id": "4NRB1-0XZABZI9E6-5SM3R", "software_version": "2.1 <beta>"}
	checkMembers(t, site(setup{}).registered(`{`+web+`,`+software+`}`), want)
	b := newBoard(t, boardName)
	s := site(b.trusted(setup{}))
	checkMembers(t, s.registered(`{`+web+`,`+software+`,"software_statement":"`+b.sign(nil, nil)+`"}`), want)
	want["software_id"] = "of the statement"
	checkMembers(t,
		s.registered(`{`+web+`,`+software+`,"software_statement":"`+b.sign(map[string]any{"software_id": "of the statement"},
			nil)+`"}`), want)
	statement := b.sign(map[string]any{"software_version": 1.5}, nil)
	want["software_id"], want["software_version"] = "4NRB1-0XZABZI9E6-5SM3R", "1.5"
	checkMembers(t, s.registered(`{`+web+`,`+software+`,"software_statement":"`+statement+`"}`), want)
	s.refused(`{`+web+`,"software_version":1.5}`, "invalid_client_metadata", "software_version must be a string")
}

// checkRegisteredStatement updates a client with what it reads, after its statement has expired.
func checkRegisteredStatement(t *testing.T, site siteFunc) {
	b, other := newBoard(t, boardName), newBoard(t, "https://other.example")
	var late atomic.Bool
	var distrusted atomic.Bool
	trusting := b.trusted(setup{})
	trust := trusting.engine
	trusting.engine = func(c *engine.Config) {
		trust(c)
		c.Now = func() time.Time {
			if late.Load() {
				return time.Now().Add(48 * time.Hour)
			}
			return time.Now()
		}
		keys := c.StatementKeys
		c.StatementKeys = func(ctx context.Context, issuer, id string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey,
			error) {
			if distrusted.Load() {
				return nil, engine.ErrUntrusted
			}
			return keys(ctx, issuer, id, alg)
		}
	}
	s := site(trusting)
	statement := b.sign(map[string]any{"client_name": "Claim", "software_id": "7", "software_version": 1.5}, nil)
	o := s.own(`{` + web + `,"client_name":"Body","software_statement":"` + statement + `"}`)
	late.Store(true)
	s.refused(bearing(statement), "invalid_software_statement", "has expired")
	want := map[string]any{"client_name": "Claim", "software_id": "7", "software_version": "1.5",
		"software_statement": statement}
	returned := func() string {
		members := o.get().want(http.StatusOK).json()
		for name := range map[string]bool{"registration_access_token": true, "registration_client_uri": true,
			"client_id_issued_at": true, "client_secret_expires_at": true} {
			delete(members, name)
		}
		body, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	for range 2 {
		o.manage("PUT", returned()).want(http.StatusOK).wantMembers(want)
	}
	changed := strings.Replace(returned(), `"client_name":"Claim"`,
		`"client_name":"Other","contacts":["a@app.example"]`, 1)
	o.manage("PUT", changed).want(http.StatusOK).wantMembers(want).
		wantMembers(map[string]any{"contacts": []string{"a@app.example"}})
	refused := func(body, code, words string) {
		t.Helper()
		e := o.manage("PUT", body).want(http.StatusBadRequest).wantMembers(map[string]any{"error": code})
		if !strings.Contains(e.body, words) {
			t.Errorf("got %s, want %q", e.body, words)
		}
	}
	body := returned()
	again := b.sign(map[string]any{"client_name": "Another"}, nil)
	refused(strings.Replace(body, statement, again, 1), "invalid_software_statement", "has expired")
	refused(strings.Replace(body, statement, other.sign(map[string]any{"iss": boardName}, nil), 1),
		"invalid_software_statement", "not signed by a key")
	distrusted.Store(true)
	refused(body, "unapproved_software_statement", "is not trusted here")
	distrusted.Store(false)
	o.manage("PUT", body).want(http.StatusOK).wantMembers(want)
}

// checkStatementOrToken has one issuer that signs statements and access tokens.
func checkStatementOrToken(t *testing.T, site siteFunc) {
	i := newIssuer(t)
	b := &board{t: t, name: i.name, key: jose.JSONWebKey{Key: i.key, KeyID: "k"}, file: i.file}
	s := site(b.trusted(setup{server: server.Config{AccessTokens: i.verifier}}))
	token := i.token("", "registration")
	s.refused(bearing(token), "invalid_software_statement", "has no software_id")
	s.register(`{`+web+`}`, "Authorization: Bearer "+token).want(http.StatusCreated)
	software := map[string]any{"software_id": "7", "scope": "registration", "aud": audience, "client_id": nil}
	for _, member := range []string{"client_id", "azp"} {
		software[member] = "c"
		s.refused(bearing(b.sign(software, nil)), "invalid_software_statement", "must not have a")
		software[member] = nil
	}
	// A statement is no token either, though its scope would do.
	statement := b.sign(software, nil)
	s.register(`{`+web+`}`, "Authorization: Bearer "+statement).want(http.StatusUnauthorized).
		wantChallenge("invalid_token")
	software["aud"] = nil
	s.registered(bearing(b.sign(software, nil)))
	// An issuer of statements only needs no software_id.
	only := newBoard(t, boardName)
	site(only.trusted(setup{server: server.Config{AccessTokens: i.verifier}})).registered(bearing(only.sign(nil, nil)))
}

// Scripts read only verified claims.
func TestScriptsReadVerifiedClaims(t *testing.T) {
	b := newBoard(t, boardName)
	s := newSite(t, b.trusted(setup{}))
	s.deploy("needs-statement")
	s.registered(bearing(b.sign(map[string]any{"role": "bank"}, nil)))
	s.refused(bearing(b.sign(nil, nil)), "invalid_client_metadata", "")
	s.refused(`{`+web+`,"role":"bank"}`, "invalid_client_metadata", "")
	s.deploy("own-statements")
	s.registered(bearing(b.sign(map[string]any{"role": "bank"}, nil)))
}
