package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"

	"registrar/engine"
	"registrar/internal/discovery"
	"registrar/internal/fetch"
	"registrar/internal/keyset"
	"registrar/server"
)

// conformanceDocuments lists the tests of documents: software statements, sector lists, discovery.
var conformanceDocuments = []conformanceTest{
	{"23_bad_statements", testBadStatements},
	{"24_unapproved_statements", testUnapprovedStatements},
	{"25_claims_override", testClaimsOverride},
	{"26_statement_returned", testStatementReturned},
	{"27_keys_of_statements", testKeysOfStatements},
	{"28_software", testSoftware},
	{"48_pairwise", testPairwise},
	{"53_discovery", testDiscovery},
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
		{good[0] + "." + encode([]byte(`{"iss":"https://board.example","a":1}`)) + "." + good[2], "not signed by a key"},
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
		c.StatementKeys = func(ctx context.Context, issuer, id string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey, error) {
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
	changed := strings.Replace(returned(), `"client_name":"Claim"`, `"client_name":"Other","contacts":["a@app.example"]`, 1)
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
	s.register(`{`+web+`}`, "Authorization: Bearer "+statement).want(http.StatusUnauthorized).wantChallenge("invalid_token")
	software["aud"] = nil
	s.registered(bearing(b.sign(software, nil)))
	// An issuer of statements only needs no software_id.
	only := newBoard(t, boardName)
	site(only.trusted(setup{server: server.Config{AccessTokens: i.verifier}})).registered(bearing(only.sign(nil, nil)))
}

// A webHost is an https server for the documents of clients.
type webHost struct {
	*httptest.Server
	mux   *http.ServeMux
	asked atomic.Int64
}

func newWebHost(t testing.TB) *webHost {
	h := &webHost{mux: http.NewServeMux()}
	h.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.asked.Add(1)
		h.mux.ServeHTTP(w, r)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *webHost) say(path, document string) {
	h.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, document)
	})
}

// fetcher returns a Fetcher that trusts the host's certificate and allows loopback addresses.
func (h *webHost) fetcher() *fetch.Fetcher {
	roots := x509.NewCertPool()
	roots.AddCert(h.Certificate())
	return fetch.New(fetch.Config{AllowPrivate: true, RootCAs: roots, Logger: slog.New(slog.DiscardHandler)})
}

// fetched returns s with an engine that fetches documents from the host.
func (h *webHost) fetched(s setup) setup {
	before := s.engine
	s.engine = func(c *engine.Config) {
		if before != nil {
			before(c)
		}
		c.Fetch = h.fetcher().Fetch
	}
	return s
}

func testPairwise(t *testing.T, site siteFunc) {
	host := newWebHost(t)
	host.say("/sector", `["https://a.example/","https://b.example/","https://c.example/"]`)
	host.say("/short", `["https://a.example/"]`)
	host.say("/object", `{"redirect_uris":["https://a.example/","https://b.example/"]}`)
	host.mux.Handle("/moved", http.RedirectHandler("/sector", http.StatusFound))
	s := site(host.fetched(setup{}))
	two := `"redirect_uris":["https://a.example/","https://b.example/"]`
	sector := func(path string) string { return `,"sector_identifier_uri":"` + host.URL + path + `"` }
	s.refused(`{`+two+`,"subject_type":"pairwise"}`, "invalid_client_metadata", "sector_identifier_uri")
	checkMembers(t, s.registered(`{`+two+`,"subject_type":"pairwise"`+sector("/sector")+`}`),
		map[string]any{"sector_identifier_uri": host.URL + "/sector", "subject_type": "pairwise"})
	if n := host.asked.Load(); n != 1 {
		t.Errorf("the document was fetched %d times, want once", n)
	}
	for path, words := range map[string]string{"/short": "redirect_uris[1] is not in the list",
		"/object": "must be a list", "/moved": "redirect 302", "/missing": "status 404"} {
		s.refused(`{`+two+`,"subject_type":"pairwise"`+sector(path)+`}`, "invalid_client_metadata", words)
	}
	s.registered(`{` + web + `,"subject_type":"pairwise"}`)
	s.registered(`{` + two + `,"subject_type":"public"}`)
	s.registered(`{"redirect_uris":["https://a.example/","https://A.example:8443/"],"subject_type":"pairwise"}`)
	s.refused(`{`+web+`,"sector_identifier_uri":"http://a.example/sector"}`, "invalid_client_metadata",
		"sector_identifier_uri must be an https URI")
	s.refused(`{`+web+`,"subject_type":"private"}`, "invalid_client_metadata", "subject_type")
	// In production, the server fetches only from public addresses.
	guarded := site(setup{engine: func(c *engine.Config) {
		c.Fetch = fetch.New(fetch.Config{Logger: slog.New(slog.DiscardHandler)}).Fetch
	}})
	asked := host.asked.Load()
	guarded.refused(`{`+two+sector("/sector")+`}`, "invalid_client_metadata", "its host has no public address")
	guarded.refused(`{`+two+`,"sector_identifier_uri":"https://169.254.169.254/latest"}`, "invalid_client_metadata",
		"its host has no public address")
	if n := host.asked.Load(); n != asked {
		t.Errorf("a private address got %d requests, want none", n-asked)
	}
}

// advertising returns a setup whose server publishes a document.
func advertising(t *testing.T, issuer, document string, s setup) setup {
	t.Helper()
	source, err := discovery.New(discovery.Config{Issuer: issuer, RegistrationEndpoint: issuer + "/register",
		Document: []byte(document), MetadataDocuments: s.server.FetchDocument != nil})
	if err != nil {
		t.Fatal(err)
	}
	s.server.Discovery, s.server.Issuer = source.Document, issuer
	s.engine = func(c *engine.Config) { c.Advertised = source.Advertised }
	return s
}

func testDiscovery(t *testing.T, site siteFunc) {
	const issuer = "https://auth.example"
	document := `{"issuer":"` + issuer + `","token_endpoint":"https://auth.example/token",
		"registration_endpoint":"https://old.example/","signed_metadata":"a.b.c",
		"mtls_endpoint_aliases":{"token_endpoint":"https://mtls.example/t","registration_endpoint":"https://mtls.example/r"},
		"grant_types_supported":["authorization_code"],
		"token_endpoint_auth_methods_supported":["none","client_secret_basic"],"scopes_supported":["read"],
		"id_token_signing_alg_values_supported":["ES256"]}`
	s := site(advertising(t, issuer, document, setup{}))
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"} {
		s.do("GET", s.public.URL+path, "", "Origin: https://spa.example").want(http.StatusOK).
			wantHeader("Content-Type", "application/json").wantHeader("Access-Control-Allow-Origin", "*").
			wantMembers(map[string]any{"issuer": issuer, "registration_endpoint": issuer + "/register",
				"token_endpoint": "https://auth.example/token", "signed_metadata": nil,
				"mtls_endpoint_aliases":                 map[string]any{"token_endpoint": "https://mtls.example/t"},
				"client_id_metadata_document_supported": nil})
		e := s.do("OPTIONS", s.public.URL+path, "", "Origin: https://spa.example", "Access-Control-Request-Method: GET",
			"Access-Control-Request-Headers: mcp-protocol-version").
			want(http.StatusNoContent).wantHeader("Access-Control-Allow-Headers", "mcp-protocol-version")
		if got := e.header.Get("Access-Control-Allow-Methods"); !strings.Contains(got, "GET") {
			t.Errorf("Access-Control-Allow-Methods is %q", got)
		}
		s.do("POST", s.public.URL+path, "{}").want(http.StatusMethodNotAllowed)
		none := site(setup{})
		none.do("GET", none.public.URL+path, "").want(http.StatusNotFound)
	}
	s.registered(`{` + web + `,"scope":"read write","id_token_signed_response_alg":"ES256"}`)
	checkMembers(t, s.registered(`{`+web+`,"grant_types":["authorization_code","refresh_token"]}`),
		map[string]any{"grant_types": []string{"authorization_code"}})
	strict := site(advertising(t, issuer, document,
		setup{options: engine.Options{UnsupportedValues: engine.UnsupportedRefuse}}))
	strict.refused(`{`+web+`,"grant_types":["authorization_code","refresh_token"]}`, "invalid_client_metadata",
		"grant_types 'refresh_token' is not among the grant_types_supported")
	s.refused(`{`+web+`,"token_endpoint_auth_method":"client_secret_post"}`, "invalid_client_metadata",
		"token_endpoint_auth_methods_supported of this server, which are none, client_secret_basic")
	s.refused(`{`+web+`,"id_token_signed_response_alg":"RS256"}`, "invalid_client_metadata",
		"id_token_signed_response_alg 'RS256'")
	checkDefaultMethod(t, site)
	_, err := discovery.New(discovery.Config{Issuer: issuer + "/", Document: []byte(document)})
	if err == nil || !strings.Contains(err.Error(), "issuer") {
		t.Errorf("another issuer: got %v, want an error about the issuer", err)
	}

	tenant := site(advertising(t, issuer+"/tenant:1/", `{"issuer":"https://auth.example/tenant:1/"}`, setup{}))
	for _, path := range []string{"/.well-known/oauth-authorization-server/tenant:1",
		"/.well-known/openid-configuration/tenant:1", "/tenant:1/.well-known/openid-configuration"} {
		tenant.do("GET", tenant.public.URL+path, "").want(http.StatusOK).
			wantMembers(map[string]any{"issuer": issuer + "/tenant:1/"})
	}
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration",
		"/.well-known/oauth-authorization-server/tenant:2"} {
		tenant.do("GET", tenant.public.URL+path, "").want(http.StatusNotFound)
	}
	away := site(setup{server: server.Config{Discovery: func() ([]byte, error) { return nil, engine.ErrUnavailable }}})
	away.do("GET", away.public.URL+"/.well-known/openid-configuration", "").want(http.StatusServiceUnavailable)
}

// Clients with metadata documents go through the same steps and scripts as registrations.
func TestMetadataDocuments(t *testing.T) {
	host := newWebHost(t)
	say := func(path, members string) string {
		url := host.URL + path
		host.say(path, `{"client_id":"`+url+`","redirect_uris":["https://app.example/cb"]`+members+`}`)
		return "/admin/v1/metadata-documents?url=" + url
	}
	good := say("/client", `,"client_name":"App"`)
	s := newSite(t, advertising(t, "https://auth.example", `{"issuer":"https://auth.example"}`,
		setup{server: server.Config{FetchDocument: host.fetcher().Fetch}}))
	s.do("GET", s.public.URL+"/.well-known/oauth-authorization-server", "").want(http.StatusOK).
		wantMembers(map[string]any{"client_id_metadata_document_supported": true})
	for range 2 {
		got := s.call("GET", good, "").want(http.StatusOK).json()
		checkMembers(t, got, map[string]any{"client_id": host.URL + "/client", "deployment": 0, "acts": []any{}})
		checkMembers(t, got["metadata"].(map[string]any),
			map[string]any{"client_id": host.URL + "/client", "client_name": "App", "token_endpoint_auth_method": "none",
				"client_secret": nil, "client_id_issued_at": nil})
	}
	if n := host.asked.Load(); n != 1 {
		t.Errorf("the document was fetched %d times, want once", n)
	}
	if n := s.clients(); n != 0 {
		t.Errorf("%d clients are stored, want none", n)
	}
	for path, words := range map[string]string{
		say("/secret", `,"client_secret":"x"`):                                      "client_secret must not be in a metadata document",
		say("/basic", `,"token_endpoint_auth_method":"client_secret_basic"`):        "needs a secret",
		say("/metadata", `,"logo_uri":"javascript:x"`):                              "logo_uri",
		"/admin/v1/metadata-documents?url=" + host.URL + "/missing":                 "status 404",
		strings.Replace(say("/name", ""), "/name", "/client2", 1):                   "status 404",
		"/admin/v1/metadata-documents?url=" + host.URL + "/client%3Fanother%3Dname": "client_id must be the URL",
	} {
		if e := s.call("GET", path, "").want(http.StatusUnprocessableEntity); !strings.Contains(e.body, words) {
			t.Errorf("%s: got %s, want %q", path, e.body, words)
		}
	}
	for _, url := range []string{"", "http://app.example/client", "https://app.example", "https://app.example/%23a",
		"client"} {
		s.call("GET", "/admin/v1/metadata-documents?url="+url, "").want(http.StatusBadRequest)
	}
	s.do("GET", s.admin.URL+good, "").want(http.StatusUnauthorized)

	// A new deployment applies to cached documents.
	s.deploy("refuse-custom-code")
	if e := s.call("GET", good, "").want(http.StatusUnprocessableEntity); strings.Contains(e.body, "cannot be fetched") {
		t.Errorf("got %s, want the script's refusal", e.body)
	}

	off := newSite(t, setup{})
	off.call("GET", good, "").want(http.StatusNotFound)
	guarded := newSite(t,
		setup{server: server.Config{FetchDocument: fetch.New(fetch.Config{Logger: slog.New(slog.DiscardHandler)}).Fetch}})
	e := guarded.call("GET", good, "").want(http.StatusUnprocessableEntity)
	if !strings.Contains(e.body, "no public address") {
		t.Errorf("got %s, want no public address", e.body)
	}
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
