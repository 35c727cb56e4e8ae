package server_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/engine"
	"registrar/server"
)

const (
	web = `"redirect_uris":["https://app.example/cb"]`
)

// TestConformance tests the requirements in docs/conformance.md over HTTP. The names of its subtests begin with the
// numbers there.
func TestConformance(t *testing.T) {
	for _, tt := range slices.Concat(conformance, conformanceStatements, conformanceDocuments) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // each waits for the disk most of the time
			databases(t, func(t *testing.T, database string) {
				tt.test(t, func(s setup) *site {
					s.database = database
					return newSite(t, s)
				})
			})
		})
	}
}

type siteFunc func(setup) *site

// A conformanceTest is one row of docs/conformance.md.
type conformanceTest struct {
	name string // number and subject
	test func(t *testing.T, site siteFunc)
}

var conformance = []conformanceTest{
	{"01_methods", testMethods},
	{"02_media_types", testMediaTypes},
	{"03_success", testSuccess},
	{"04_errors", testErrors},
	{"05_protected_mode", testProtectedMode},
	{"06_open_mode", testOpenMode},
	{"07_own_id", testOwnID},
	{"08_unique_ids", testUniqueIDs},
	{"09_secret_expiry", testSecretExpiry},
	{"10_no_secret", testNoSecret},
	{"11_defaults", testDefaults},
	{"12_mismatch", testMismatch},
	{"13_client_credentials", testClientCredentials},
	{"14_unknown_members", testUnknownMembers},
	{"15_everything_returned", testEverythingReturned},
	{"16_replaced_values", testReplacedValues},
	{"17_keys", testKeys},
	{"18_missing_redirect_uris", testMissingRedirectURIs},
	{"19_malformed_redirect_uris", testMalformedRedirectURIs},
	{"20_unsafe_schemes", testUnsafeSchemes},
	{"21_language_tags", testLanguageTags},
	{"22_scope", testScope},
	{"29_pages", testPages},
	{"30_contacts", testContacts},
	{"31_management_members", testManagementMembers},
	{"32_read_own", testReadOwn},
	{"33_update_names_client", testUpdateNamesClient},
	{"34_update_reserved", testUpdateReserved},
	{"35_update_secret", testUpdateSecret},
	{"35b_secret_renewal", testSecretRenewal},
	{"36_update_resets", testUpdateResets},
	{"37_refused_update", testRefusedUpdate},
	{"38_update_runs_scripts", testUpdateRunsScripts},
	{"39_delete_own", testDeleteOwn},
	{"40_uniform_401", testUniform401},
	{"41_token_rotation", testTokenRotation},
	{"42_unmanaged", testUnmanaged},
	{"43_failing_tokens", testFailingTokens},
	{"44_application_type", testApplicationType},
	{"45_web_redirects", testWebRedirects},
	{"46_native_redirects", testNativeRedirects},
	{"47_loopback_ports", testLoopbackPorts},
	{"49_encryption", testEncryption},
	{"50_openid_members", testOpenIDMembers},
	{"51_algorithms", testAlgorithms},
	{"52_tls_client_auth", testTLSClientAuth},
	{"54_later_members", testLaterMembers},
	{"55_cors", testCORS},
	{"56_mcp", testMCP},
	{"57_unsafe_grants", testUnsafeGrants},
}

func testMethods(t *testing.T, site siteFunc) {
	s := site(setup{})
	for _, path := range []string{"/register", "/connect/dcr"} {
		for _, method := range []string{"GET", "PUT", "DELETE", "PATCH"} {
			e := s.do(method, s.public.URL+path, "").want(http.StatusMethodNotAllowed).
				wantMembers(map[string]any{"error": "invalid_request"})
			e.wantHeader("Allow", "OPTIONS, POST")
		}
		s.do("HEAD", s.public.URL+path, "").want(http.StatusMethodNotAllowed).wantHeader("Allow", "OPTIONS, POST")
		s.do("OPTIONS", s.public.URL+path, "").want(http.StatusNoContent).wantHeader("Allow", "OPTIONS, POST")
		s.do("POST", s.public.URL+path, `{`+web+`}`).want(http.StatusCreated)
	}
	for _, method := range []string{"POST", "GET", "OPTIONS"} {
		s.do(method, s.public.URL+"/nothing", `{}`).want(http.StatusNotFound).
			wantMembers(map[string]any{"error": "invalid_request"})
	}
	o := s.own(`{` + web + `}`)
	head := o.manage("HEAD", "").want(http.StatusOK).wantHeader("Content-Length", fmt.Sprint(len(o.get().body)))
	if head.body != "" {
		t.Errorf("HEAD: got the content %q", head.body)
	}
	s.do("HEAD", o.uri, "").want(http.StatusUnauthorized)
	s.do("OPTIONS", o.uri, "").want(http.StatusNoContent).wantHeader("Allow", "OPTIONS, DELETE, GET, HEAD, PUT")
	s.do("HEAD", s.public.URL+"/healthz", "").want(http.StatusOK)
	s.do("HEAD", s.public.URL+"/nothing", "").want(http.StatusNotFound)
}

func testMediaTypes(t *testing.T, site siteFunc) {
	s := site(setup{})
	for _, ok := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON"} {
		s.register(`{`+web+`}`, "Content-Type: "+ok).want(http.StatusCreated)
	}
	for _, bad := range []string{"text/plain", "application/x-www-form-urlencoded", "application/jwt",
		"application/json+x", ""} {
		s.register(`{`+web+`}`, "Content-Type: "+bad).want(http.StatusUnsupportedMediaType).
			wantMembers(map[string]any{"error": "invalid_request"})
	}
	for _, coding := range []string{"gzip", "br", "identity, deflate"} {
		s.register(`{`+web+`}`, "Content-Encoding: "+coding).want(http.StatusUnsupportedMediaType).
			wantHeader("Accept-Encoding", "identity").wantMembers(map[string]any{"error": "invalid_request"})
	}
	s.register(`{`+web+`}`, "Content-Encoding: identity").want(http.StatusCreated)
	for _, body := range []string{`[]`, `null`, `"a"`, `1`, `{`, `{}{}`, "\xff", `{"redirect_uris":`} {
		s.refused(body, "invalid_client_metadata", "")
	}
	s.register("", "Content-Type: application/json").want(http.StatusBadRequest).
		wantMembers(map[string]any{"error": "invalid_client_metadata"})
	s.register(`{"client_name":"` + strings.Repeat("a", 64<<10) + `"}`).want(http.StatusRequestEntityTooLarge).
		wantMembers(map[string]any{"error": "invalid_request"})
}

func testSuccess(_ *testing.T, site siteFunc) {
	s := site(setup{})
	s.register(`{`+web+`}`).want(http.StatusCreated).wantHeader("Content-Type", "application/json").
		wantHeader("Cache-Control", "no-store").wantHeader("Pragma", "no-cache").
		wantHeader("X-Content-Type-Options", "nosniff")
	s.register(`{`+web+`}`, "Accept: text/html").want(http.StatusCreated)
}

func testErrors(t *testing.T, site siteFunc) {
	e := site(setup{}).register(`{"redirect_uris":["https://app.example/é"]}`).want(http.StatusBadRequest).
		wantHeader("Content-Type", "application/json").
		wantHeader("Cache-Control", "no-store").wantHeader("WWW-Authenticate", "")
	got := e.json()
	if len(got) != 2 || got["error"] == nil || got["error_description"] == "" {
		t.Errorf("got %s, want error and error_description", e.body)
	}
	for _, r := range e.body {
		if r > 0x7e {
			t.Errorf("%s is not ASCII", e.body)
		}
	}
}

func testProtectedMode(t *testing.T, site siteFunc) {
	issuer := newIssuer(t)
	s := site(setup{server: server.Config{Registration: server.RegistrationToken, AccessTokens: issuer.verifier}})
	const challenge = `Bearer realm="registrar"`
	good := s.token(`{"label":"good"}`)
	for _, nothing := range []string{"Authorization:", "Authorization: Basic YTpi", "Authorization: Bearer"} {
		s.register(`{`+web+`}`, nothing).want(http.StatusUnauthorized).wantHeader("WWW-Authenticate", challenge).
			wantHeader("Cache-Control", "no-store").wantMembers(map[string]any{"error": "invalid_token"})
	}
	for _, bad := range []string{"nobody-knows-me", good + "x", good + " " + good, "é",
		issuer.token("stranger", "registration"), issuer.token("", "registration") + "A"} {
		s.register(`{`+web+`}`,
			"Authorization: Bearer "+bad).want(http.StatusUnauthorized).wantChallenge("invalid_token")
	}
	s.register(`{`+web+`}`, "Authorization: Bearer "+issuer.token("", "read")).want(http.StatusForbidden).
		wantChallenge("insufficient_scope")
	// A request has one Authorization header.
	initial := "Bearer " + good
	s.authorizedBy("POST", s.public.URL+"/register", `{`+web+`}`, initial, initial).want(http.StatusUnauthorized).
		wantChallenge("invalid_token")
	s.authorizedBy("POST", s.public.URL+"/register", `{`+web+`}`, initial, "").want(http.StatusUnauthorized)
	s.authorizedBy("POST", s.public.URL+"/register", `{`+web+`}`, initial+", "+initial).want(http.StatusUnauthorized)
	// Only %x20 separates scopes.
	s.register(`{`+web+`}`, "Authorization: Bearer "+issuer.token("",
		"a\u00a0registration")).want(http.StatusForbidden).
		wantChallenge("insufficient_scope")
	// The token is checked before the body.
	s.register(`[`, "Content-Type: text/plain").want(http.StatusUnauthorized)
	if n := s.clients(); n != 0 {
		t.Errorf("%d clients are stored, want none", n)
	}
	s.register(`{`+web+`}`, "Authorization: Bearer "+good).want(http.StatusCreated)
	s.register(`{`+web+`}`, "Authorization: bEARER  "+issuer.token("", "read registration")).want(http.StatusCreated)
}

func testOpenMode(t *testing.T, site siteFunc) {
	s := site(setup{})
	s.register(`{` + web + `}`).want(http.StatusCreated)
	s.register(`{`+web+`}`, "Authorization: Bearer nobody-knows-me").want(http.StatusUnauthorized).
		wantChallenge("invalid_token")
	s.register(`{`+web+`}`, "Authorization: Basic YTpi").want(http.StatusUnauthorized).
		wantHeader("WWW-Authenticate", `Bearer realm="registrar"`)
	s.register(`{`+web+`}`, "Authorization: Bearer "+s.token(`{"label":"a"}`)).want(http.StatusCreated)
	if n := s.clients(); n != 2 {
		t.Errorf("%d clients are stored, want 2", n)
	}
}

func testOwnID(t *testing.T, site siteFunc) {
	s := site(setup{options: engine.Options{EchoExtensions: []string{"tier"}}})
	got := s.registered(`{` + web +
		`,"client_id":"mine","client_secret":"mine-0123456789-0123456789-0123456789","client_id_issued_at":1}`)
	if got["client_id"] == "mine" || strings.HasPrefix(got["client_secret"].(string), "mine") ||
		got["client_id_issued_at"] == 1.0 {
		t.Errorf("got %v", got)
	}
}

func testUniqueIDs(t *testing.T, site siteFunc) {
	s := site(setup{})
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	start, before := time.Now().Unix(), s.clients()
	for range 8 {
		wg.Go(func() {
			for range 20 {
				got := s.registered(`{` + web + `}`)
				issued, ok := got["client_id_issued_at"].(float64)
				if !ok || issued != float64(int64(issued)) || int64(issued) < start {
					t.Errorf("client_id_issued_at is %v", got["client_id_issued_at"])
				}
				mu.Lock()
				seen[got["client_id"].(string)] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if stored := s.clients() - before; len(seen) != 160 || stored != 160 {
		t.Errorf("%d client IDs and %d rows for 160 registrations", len(seen), stored)
	}
}

func testSecretExpiry(t *testing.T, site siteFunc) {
	got := site(setup{}).registered(`{` + web + `}`)
	checkMembers(t, got, map[string]any{"client_secret_expires_at": 0})
	if len(got["client_secret"].(string)) != 43 {
		t.Errorf("client_secret has %d characters", len(got["client_secret"].(string)))
	}
	got = site(setup{options: engine.Options{SecretLifetime: time.Hour}}).registered(`{` + web + `}`)
	checkMembers(t, got, map[string]any{"client_secret_expires_at": got["client_id_issued_at"].(float64) + 3600})
}

const publicKey = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

func testCORS(t *testing.T, site siteFunc) {
	preflight := []string{"Origin: https://spa.example", "Access-Control-Request-Method: POST",
		"Access-Control-Request-Headers: authorization,content-type,mcp-protocol-version"}
	s := site(setup{})
	e := s.do("OPTIONS", s.public.URL+"/register", "", preflight...).want(http.StatusNoContent).
		wantHeader("Access-Control-Allow-Origin", "*").
		wantHeader("Access-Control-Allow-Headers", "authorization,content-type,mcp-protocol-version")
	if got := e.header.Get("Access-Control-Allow-Methods"); !strings.Contains(got, "POST") {
		t.Errorf("Access-Control-Allow-Methods is %q", got)
	}
	origin := "Origin: https://spa.example"
	for _, e := range []*exchange{
		s.register(`{`+web+`}`, origin).want(http.StatusCreated),
		s.register(`{}`, origin).want(http.StatusBadRequest),
		s.register(`{`+web+`}`, origin, "Authorization: Bearer x").want(http.StatusUnauthorized),
		s.register(`{`+web+`}`, origin, "Content-Type: text/plain").want(http.StatusUnsupportedMediaType),
		s.register(`{`+web+`}`, origin, "Content-Encoding: gzip").want(http.StatusUnsupportedMediaType),
		s.do("GET", s.public.URL+"/register", "", origin).want(http.StatusMethodNotAllowed),
		s.do("HEAD", s.public.URL+"/healthz", "", origin).want(http.StatusOK),
		s.do("GET", s.public.URL+"/nothing", "", origin).want(http.StatusNotFound),
	} {
		e.wantHeader("Access-Control-Allow-Origin", "*")
		if got := e.header.Get("Access-Control-Expose-Headers"); !strings.Contains(strings.ToLower(got),
			"www-authenticate") {
			t.Errorf("%d: Access-Control-Expose-Headers is %q", e.status, got)
		}
	}
	listed := site(setup{server: server.Config{CORSOrigins: []string{"https://spa.example"}}})
	listed.do("OPTIONS", listed.public.URL+"/register", "", preflight...).want(http.StatusNoContent).
		wantHeader("Access-Control-Allow-Origin", "https://spa.example")
	preflight[0] = "Origin: https://other.example"
	listed.do("OPTIONS", listed.public.URL+"/register", "", preflight...).wantHeader("Access-Control-Allow-Origin", "")
	checkOriginsOfClients(t, s)
}

func testMCP(t *testing.T, site siteFunc) {
	got := site(setup{}).
		registered(`{"redirect_uris":["http://localhost:8090/callback"],"token_endpoint_auth_method":"none",` +
			`"grant_types":["authorization_code","refresh_token"],"response_types":["code"],` +
			`"client_name":"MCP CLI Client","client_uri":"https://github.com/modelcontextprotocol"}`)
	checkMembers(t, got, map[string]any{"client_secret": nil, "scope": nil,
		"grant_types": []string{"authorization_code", "refresh_token"}, "application_type": "native"})
}

// rowNumber matches the first cell of a row in docs/conformance.md.
var rowNumber = regexp.MustCompile(`^ [0-9]+[a-z]? $`)

// docs/conformance.md names each subtest of TestConformance in the row of its number.
func TestConformanceIsDocumented(t *testing.T) {
	b, err := os.ReadFile("../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	number := 0
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(line, "|")
		if len(cells) < 6 || !rowNumber.MatchString(cells[1]) {
			continue
		}
		// A row that was added later has the number of the row before, and a letter.
		got := strings.TrimSpace(cells[1])
		letter := strings.TrimLeft(got, "0123456789")
		if letter == "" {
			number++
		}
		if got != fmt.Sprint(number, letter) {
			t.Errorf("got row %s, want row %d%s", got, number, letter)
		}
		if test, _, named := strings.Cut(strings.TrimPrefix(strings.TrimSpace(cells[4]), "`TestConformance/"),
			"`"); named {
			rows[test] = true
			if want := fmt.Sprintf("%02d%s_", number, letter); !strings.HasPrefix(test, want) {
				t.Errorf("row %s names TestConformance/%s, want a name that begins with %s", got, test, want)
			}
		}
	}
	if number != 57 {
		t.Errorf("%d rows, want 57", number)
	}
	for _, tt := range slices.Concat(conformance, conformanceStatements, conformanceDocuments) {
		if !rows[tt.name] {
			t.Errorf("no row names TestConformance/%s", tt.name)
		}
		delete(rows, tt.name)
	}
	for test := range rows {
		t.Errorf("a row names TestConformance/%s, which does not exist", test)
	}
}
