package server_test

import (
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"registrar/engine"
	"registrar/internal/discovery"
	"registrar/internal/fetch"
	"registrar/server"
)

// conformanceDocuments lists the tests of the documents that the server fetches or publishes: sector lists, discovery.
var conformanceDocuments = []conformanceTest{
	{"48_pairwise", testPairwise},
	{"53_discovery", testDiscovery},
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
func (h *webHost) fetcher() *fetch.Fetcher { return fetch.New(h.fetching()) }

// fetching returns the configuration of fetcher.
func (h *webHost) fetching() fetch.Config {
	roots := x509.NewCertPool()
	roots.AddCert(h.Certificate())
	return fetch.Config{AllowPrivate: true, RootCAs: roots, MinFresh: 5 * time.Minute,
		Logger: slog.New(slog.DiscardHandler)}
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
		setup{server: server.Config{FetchDocument: host.fetcher().Get}}))
	s.do("GET", s.public.URL+"/.well-known/oauth-authorization-server", "").want(http.StatusOK).
		wantMembers(map[string]any{"client_id_metadata_document_supported": true})
	for range 2 {
		got := s.call("GET", good, "").want(http.StatusOK).json()
		checkMembers(t, got, map[string]any{"client_id": host.URL + "/client", "deployment": 0, "acts": []any{}})
		checkMembers(t, got["metadata"].(map[string]any),
			map[string]any{"client_id": host.URL + "/client", "client_name": "App",
				"token_endpoint_auth_method": "none",
				"client_secret":              nil, "client_id_issued_at": nil})
	}
	if n := host.asked.Load(); n != 1 {
		t.Errorf("the document was fetched %d times, want once", n)
	}
	if n := s.clients(); n != 1 {
		t.Errorf("%d clients are stored, want that of the document", n)
	}
	for path, words := range map[string]string{
		say("/secret", `,"client_secret":"x"`): "client_secret must not be in " +
			"a metadata document",
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
	if e := s.call("GET", good, "").want(http.StatusUnprocessableEntity); strings.Contains(e.body,
		"cannot be fetched") {
		t.Errorf("got %s, want the script's refusal", e.body)
	}

	off := newSite(t, setup{})
	off.call("GET", good, "").want(http.StatusNotFound)
	guarded := newSite(t,
		setup{server: server.Config{FetchDocument: fetch.New(fetch.Config{Logger: slog.New(slog.DiscardHandler)}).Get}})
	e := guarded.call("GET", good, "").want(http.StatusUnprocessableEntity)
	if !strings.Contains(e.body, "no public address") {
		t.Errorf("got %s, want no public address", e.body)
	}
}
