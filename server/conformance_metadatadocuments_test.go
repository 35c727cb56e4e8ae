package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"registrar/engine"
	"registrar/server"
)

// documentClients lists the tests of what a metadata document may say
// (draft-ietf-oauth-client-id-metadata-document-02, MCP authorization 2026-07-28), and of what a URL resolves to.
var documentClients = []conformanceTest{
	{"M02b_ids_as_written", testWrittenIDs},
	{"M10_equal_ids", testEqualIDs},
	{"M11_malformed_documents", testMalformedDocuments},
	{"M12_secrets", testDocumentSecrets},
	{"M13_shared_secrets", testSharedSecrets},
	{"M15_method_left_out", testMethodLeftOut},
	{"M16_method_with_keys", testMethodWithKeys},
	{"M17_method_from_list", testMethodFromList},
	{"M18_published_documents", testPublishedDocuments},
	{"M19_members", testDocumentMembers},
	{"M20_redirect_uris", testDocumentRedirectURIs},
	{"M22_hosts", testDocumentHosts},
	{"M26_stale", testDocumentStale},
	{"M27_pins", testDocumentPins},
	{"M29b_codes", testRefusedDocumentCodes},
	{"M30_changes", testDocumentChanges},
	{"M31_clients", testDocumentClients},
	{"M32_status", testDocumentStatus},
	{"M33_no_store", testDocumentNoStore},
	{"M34_policy", testDocumentPolicy},
}

// TestDocumentClients tests the requirements of metadata documents in docs/conformance.md over HTTP, on both databases.
// The names of its subtests begin with the number of the row.
func TestDocumentClients(t *testing.T) {
	for _, tt := range documentClients {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			databases(t, func(t *testing.T, database string) {
				tt.test(t, func(s setup) *site {
					s.database = database
					return newSite(t, s)
				})
			})
		})
	}
}

// resolving returns a setup whose server fetches metadata documents from the host.
func (h *webHost) resolving() setup {
	return setup{server: server.Config{FetchDocument: h.fetcher().Get}}
}

// document serves a document at a path, with the client_id of that path and further members, and returns its URL.
func (h *webHost) document(path, members string) string {
	u := h.URL + path
	h.say(strings.SplitN(path, "?", 2)[0], `{"client_id":"`+u+`"`+members+`}`)
	return u
}

// resolve asks for the client of a URL.
func (s *site) resolve(clientID string) *exchange {
	s.t.Helper()
	return s.call("GET", "/admin/v1/metadata-documents?url="+url.QueryEscape(clientID), "")
}

// refusesDocument asks for the client of a URL, which must be refused with words in the reasons.
func (s *site) refusesDocument(clientID, words string) {
	s.t.Helper()
	e := s.resolve(clientID).want(http.StatusUnprocessableEntity)
	if !strings.Contains(e.body, words) {
		s.t.Errorf("%s: got %s, want %q", clientID, e.body, words)
	}
}

// metadataOf returns the metadata of the client of a URL, which must resolve.
func (s *site) metadataOf(clientID string) map[string]any {
	s.t.Helper()
	return s.resolve(clientID).want(http.StatusOK).json()["metadata"].(map[string]any)
}

func testWrittenIDs(t *testing.T, site siteFunc) {
	host := newWebHost(t)
	var mu sync.Mutex
	var asked []string
	host.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.RequestURI)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"client_id":"https://%s%s",%s}`, r.Host, r.RequestURI, web)
	})
	s := site(host.resolving())
	paths := []string{"/", "/Client.JSON", "/c?version=1&x=%2F", "/c?version=1&x=/", "/a%20b/c", "/c/"}
	for _, path := range paths {
		checkMembers(t, s.metadataOf(host.URL+path), map[string]any{"client_id": host.URL + path})
	}
	mu.Lock()
	if fmt.Sprint(asked) != fmt.Sprint(paths) {
		t.Errorf("the host was asked for %q, want %q as written", asked, paths)
	}
	mu.Unlock()
	capital := strings.Replace(host.URL, "127.0.0.1", "LocalHost", 1) // httptest's certificate does not name it
	s.refusesDocument(capital+"/c", "certificate")
	longest := host.URL + "/" + strings.Repeat("x", engine.MaxDocumentURL-len(host.URL)-1)
	checkMembers(t, s.metadataOf(longest), map[string]any{"client_id": longest})
	count := host.asked.Load()
	for _, bad := range []string{longest + "x", strings.Replace(host.URL, "https:", "http:", 1) + "/c", host.URL,
		host.URL + "?c", strings.Replace(host.URL, "//", "//user@", 1) + "/c", host.URL + "/c#f", host.URL + "/a/../c",
		host.URL + "/a/%2e%2E/c", host.URL + "/./c", "HTTPS" + strings.TrimPrefix(host.URL, "https") + "/c"} {
		s.resolve(bad).want(http.StatusBadRequest)
		s.call("GET", "/admin/v1/clients?client_id="+url.QueryEscape(bad), "").want(http.StatusNotFound)
	}
	if n := host.asked.Load(); n != count {
		t.Errorf("URLs that are refused were fetched %d times", n-count)
	}
}

func testEqualIDs(t *testing.T, site siteFunc) {
	host := newWebHost(t)
	s := site(host.resolving())
	address := strings.TrimPrefix(host.URL, "https://")
	for i, id := range []string{`"` + host.URL + `/C0"`, `"` + host.URL + `/c1/"`, `"https://` + address + `:443/c2"`,
		`"` + host.URL + `/%633"`, `["` + host.URL + `/c4"]`, `1`, `null`, `""`} {
		path := fmt.Sprint("/c", i)
		host.say(path, `{"client_id":`+id+`,`+web+`}`)
		s.refusesDocument(host.URL+path, "client_id must be")
	}
	host.say("/missing", `{`+web+`}`)
	s.refusesDocument(host.URL+"/missing", "client_id must be")
}

func testMalformedDocuments(t *testing.T, site siteFunc) {
	host := newWebHost(t)
	s := site(host.resolving())
	for path, document := range map[string]string{
		"/doubled": `{"client_id":"` + host.URL + `/doubled","client_id":"` + host.URL + `/doubled",` + web + `}`,
		"/list":    `[{"client_id":"` + host.URL + `/list"}]`, "/null": `null`, "/empty": ``, "/text": `"client_id"`,
		"/utf8": "{\"client_id\":\"" + host.URL + "/utf8\",\"client_name\":\"\xff\"," + web + "}",
		"/deep": `{"client_id":"` + host.URL + `/deep","x":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) +
			`,` + web + `}`,
		"/member": `{"client_id":"` + host.URL + `/member","client_name":"a","client_name":"b",` + web + `}`,
		"/more":   `{"client_id":"` + host.URL + `/more",` + web + `}{}`,
		"/html":   `<!doctype html>`,
	} {
		host.say(path, document)
		s.resolve(host.URL + path).want(http.StatusUnprocessableEntity)
	}
	if n := s.clients(); n != 0 {
		t.Errorf("%d documents that were refused are stored", n)
	}
}

func testDocumentSecrets(t *testing.T, site siteFunc) {
	host := newWebHost(t)
	s := site(host.resolving())
	for name, value := range map[string]string{"client_secret": `"x"`, "client_secret_expires_at": "0"} {
		s.refusesDocument(host.document("/"+name, `,`+web+`,"`+name+`":`+value), name+" must not be in a metadata document")
	}
}

// A document that was fetched and is refused has a code, which does not change.
func testRefusedDocumentCodes(t *testing.T, site siteFunc) {
	host := newWebHost(t)
	s := site(host.resolving())
	host.say("/json", `{"redirect_uris":1}`)
	host.say("/client_id", `{`+web+`}`)
	host.document("/secret", `,`+web+`,"token_endpoint_auth_method":"client_secret_basic"`)
	host.document("/keys", `,`+web+`,"jwks":{"keys":[{"kty":"oct","k":"AAAA"}]}`)
	host.document("/policy", `,"redirect_uris":["javascript:x"]`)
	for _, code := range []string{"json", "client_id", "secret", "keys", "policy"} {
		for _, path := range []string{documentPath("", host.URL+"/"+code), clientPath(host.URL+"/"+code, "")} {
			s.call("GET", path, "").want(http.StatusUnprocessableEntity).
				wantMembers(map[string]any{"document": map[string]any{"code": code}})
		}
	}
}

func testSharedSecrets(t *testing.T, site siteFunc) {
	host := newWebHost(t)
	s := site(host.resolving())
	for i, members := range []string{
		`"token_endpoint_auth_method":"client_secret_basic"`, `"token_endpoint_auth_method":"client_secret_post"`,
		`"token_endpoint_auth_method":"client_secret_jwt"`, `"token_endpoint_auth_method":"client_secret_other"`,
		`"token_endpoint_auth_signing_alg":"HS256"`, `"id_token_signed_response_alg":"HS384"`,
		`"userinfo_signed_response_alg":"HS512"`, `"request_object_signing_alg":"HS256"`} {
		s.refusesDocument(host.document(fmt.Sprint("/c", i), `,`+web+`,`+members), "secret")
	}
}

func testMethodLeftOut(t *testing.T, site siteFunc) {
	host := newWebHost(t)
	checkMembers(t, site(host.resolving()).metadataOf(host.document("/c", `,`+web)),
		map[string]any{"token_endpoint_auth_method": "none"})
}

// Members of documents: a method with keys, and a list of methods.
const (
	keyedMethod = `,"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_signing_alg":"RS256",` +
		`"jwks_uri":"https://app.example/keys"`
	methodList = `,"token_endpoint_auth_methods_supported":["private_key_jwt","none"]`
)

func testMethodWithKeys(t *testing.T, site siteFunc) {
	host := newWebHost(t)
	s := site(host.resolving())
	for path, members := range map[string]string{"/keyed": keyedMethod, "/both": keyedMethod + methodList} {
		checkMembers(t, s.metadataOf(host.document(path, `,`+web+members)),
			map[string]any{"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "RS256",
				"jwks_uri": "https://app.example/keys"})
	}
	s.refusesDocument(host.document("/bare", `,`+web+`,"token_endpoint_auth_method":"private_key_jwt"`),
		"needs jwks or jwks_uri")
	s.refusesDocument(host.document("/empty", `,`+web+
		`,"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[]}`), "jwks")
}

func testMethodFromList(t *testing.T, site siteFunc) {
	host := newWebHost(t)
	const issuer = "https://auth.example"
	s := site(advertising(t, issuer, `{"issuer":"`+issuer+`","token_endpoint_auth_methods_supported":["none"]}`,
		host.resolving()))
	checkMembers(t, s.metadataOf(host.document("/both", `,`+web+keyedMethod+methodList)),
		map[string]any{"token_endpoint_auth_method": "none", "token_endpoint_auth_signing_alg": nil})
	s.refusesDocument(host.document("/keyed", `,`+web+keyedMethod),
		"token_endpoint_auth_method 'private_key_jwt' is not among")
}

// realDocuments are metadata documents that clients published in 2026, as they were fetched or kept in public code. In
// place of @ is the URL at which they are served.
var realDocuments = map[string]string{
	"/oauth/mcp-oauth-client-metadata": `{"client_id":"@","client_name":"Claude","client_uri":"https://claude.ai",
		"redirect_uris":["https://claude.ai/api/mcp/auth_callback"],"response_types":["code"],
		"grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:jwt-bearer"],
		"token_endpoint_auth_method":"none"}`,
	"/oauth/claude-code-client-metadata": `{"client_id":"@","client_name":"Claude Code","client_uri":"https://claude.ai",
		"redirect_uris":["http://localhost/callback","http://127.0.0.1/callback"],
		"grant_types":["authorization_code","refresh_token"],"response_types":["code"],
		"token_endpoint_auth_method":"none"}`,
	"/oauth/client.json": `{"client_id":"@","client_name":"ChatGPT","client_uri":"https://chatgpt.com",
		"logo_uri":"https://cdn.openai.com/logo.png","jwks_uri":"https://chatgpt.com/oauth/jwks.json",
		"redirect_uris":["https://chatgpt.com/connector_platform_oauth_redirect"],
		"grant_types":["authorization_code","refresh_token"],"response_types":["code"],
		"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_signing_alg":"RS256",
		"token_endpoint_auth_methods_supported":["none","private_key_jwt"]}`,
	"/oauth/client-metadata.json": `{"client_id":"@","client_name":"Visual Studio Code","application_type":"native",
		"client_uri":"https://vscode.dev/product","logo_uri":"https://code.visualstudio.com/icon.png",
		"redirect_uris":["http://127.0.0.1:33418/","https://vscode.dev/redirect"],
		"grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],
		"response_types":["code"],"token_endpoint_auth_method":"none"}`,
	"/oauth/opencode/client.json": `{"client_id":"@","client_name":"OpenCode","application_type":"native",
		"redirect_uris":["http://127.0.0.1/callback","http://localhost/callback"],
		"grant_types":["authorization_code","refresh_token"],"response_types":["code"],
		"token_endpoint_auth_method":"none","token_endpoint_auth_methods_supported":["none"]}`,
	"/goose/client-metadata.json": `{"client_id":"@","client_name":"goose",
		"redirect_uris":["http://127.0.0.1/oauth_callback","http://[::1]/oauth_callback"],
		"grant_types":["authorization_code"],"unknown_member":{"a":[1,{"b":null}]}}`,
}

func testPublishedDocuments(t *testing.T, site siteFunc) {
	published := func() *webHost {
		host := newWebHost(t)
		for path, document := range realDocuments {
			host.say(path, strings.Replace(document, "@", host.URL+path, 1))
		}
		return host
	}
	const issuer = "https://auth.example"
	host, other := published(), published() // what one site stores, the other would find
	s := site(host.resolving())
	limited := site(advertising(t, issuer, `{"issuer":"`+issuer+`","token_endpoint_auth_methods_supported":["none"],
		"grant_types_supported":["authorization_code","refresh_token"],"response_types_supported":["code"],
		"token_endpoint_auth_signing_alg_values_supported":["ES256"]}`, other.resolving()))
	for path := range realDocuments {
		s.resolve(host.URL + path).want(http.StatusOK)
		checkMembers(t, limited.metadataOf(other.URL+path),
			map[string]any{"token_endpoint_auth_method": "none", "unknown_member": nil})
	}
	two := map[string]any{"grant_types": []string{"authorization_code", "refresh_token"}}
	checkMembers(t, s.metadataOf(host.URL+"/oauth/mcp-oauth-client-metadata"), two)
	checkMembers(t, limited.metadataOf(other.URL+"/oauth/client-metadata.json"), two)
	checkMembers(t, s.metadataOf(host.URL+"/oauth/client.json"),
		map[string]any{"token_endpoint_auth_method": "private_key_jwt"})
	s.refusesDocument(host.document("/none", `,`+web+`,"grant_types":["urn:example:other"]`), "grant_types")
}

func testDocumentMembers(t *testing.T, site siteFunc) {
	host := newWebHost(t)
	s := site(host.resolving())
	bare := host.document("/bare", `,"grant_types":["client_credentials"],"token_endpoint_auth_method":"private_key_jwt",`+
		`"jwks_uri":"https://app.example/keys"`)
	checkMembers(t, s.metadataOf(bare), map[string]any{"client_name": nil, "redirect_uris": []any{}})
	s.refusesDocument(host.document("/code", `,"client_name":"App"`), "redirect_uris must name at least one URI")
	strict := host.resolving()
	strict.options.DocumentMembers = []string{"client_name", "redirect_uris"}
	mcp := site(strict)
	for path, members := range map[string]string{"/nameless": web, "/unnamed": web + `,"client_name":""`,
		"/nowhere": `"client_name":"App","redirect_uris":[]`} {
		mcp.refusesDocument(host.document(path, `,`+members), "is missing: this server demands it of metadata documents")
	}
	mcp.resolve(host.document("/whole", `,"client_name":"App",`+web)).want(http.StatusOK)
	s.refusesDocument(host.document("/public", `,"grant_types":["client_credentials"]`), "client_credentials")
}

func testDocumentRedirectURIs(t *testing.T, site siteFunc) {
	host := newWebHost(t)
	s := site(host.resolving())
	for i, uri := range []string{"https://other.example/cb?x", "http://localhost/cb", "http://127.0.0.1:8765/cb",
		"http://[::1]/cb", "com.example.app:/cb"} {
		u := host.document(fmt.Sprint("/good", i), `,"redirect_uris":["`+uri+`"]`)
		checkMembers(t, s.metadataOf(u), map[string]any{"redirect_uris": []any{uri}})
	}
	for i, uri := range []string{"http://other.example/cb", "https://app.example/cb#f", "javascript:alert(1)",
		"data:text/html,x", "/cb"} {
		// One that cannot be used ends the document, also beside a good one.
		s.refusesDocument(host.document(fmt.Sprint("/bad", i), `,"redirect_uris":["https://app.example/cb","`+uri+`"]`),
			"redirect_uris[1]")
	}
}

func testDocumentHosts(t *testing.T, site siteFunc) {
	host := newWebHost(t)
	s := site(host.resolving())
	address := strings.TrimPrefix(host.URL, "https://")
	for i, tt := range []struct {
		uris     string
		hosts    []any
		loopback bool
	}{
		{`"https://b.example/cb","https://A.example:8443/cb","https://a.example/cb"`, []any{"b.example", "a.example"},
			false},
		{`"http://localhost/cb","http://127.0.0.1:80/cb","http://[::1]/cb"`, []any{"localhost", "127.0.0.1", "::1"}, true},
		{`"http://localhost/cb","https://a.example/cb"`, []any{"localhost", "a.example"}, false},
		{`"http://localhost/cb","com.example.app:/cb"`, []any{"localhost"}, false},
	} {
		u := host.document(fmt.Sprint("/c", i), `,"application_type":"native","redirect_uris":[`+tt.uris+`]`)
		want := map[string]any{"client_host": address, "redirect_hosts": tt.hosts, "loopback_only": tt.loopback}
		checkMembers(t, s.resolve(u).want(http.StatusOK).json(), want)
		client := s.call("GET", "/admin/v1/clients/"+url.PathEscape(u), "").want(http.StatusOK).json()
		checkMembers(t, client["document"].(map[string]any), want)
	}
}
