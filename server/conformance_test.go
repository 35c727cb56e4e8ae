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
		s.register(`{`+web+`}`, "Authorization: Bearer "+bad).want(http.StatusUnauthorized).wantChallenge("invalid_token")
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
	s.register(`{`+web+`}`, "Authorization: Bearer "+issuer.token("", "a\u00a0registration")).want(http.StatusForbidden).
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

func testNoSecret(t *testing.T, site siteFunc) {
	got := site(setup{}).registered(`{` + web + `,"token_endpoint_auth_method":"none"}`)
	checkMembers(t, got, map[string]any{"client_secret": nil, "client_secret_expires_at": nil,
		"token_endpoint_auth_method": "none"})
}

func testDefaults(t *testing.T, site siteFunc) {
	s := site(setup{})
	checkMembers(t, s.registered(`{`+web+`}`), map[string]any{"token_endpoint_auth_method": "client_secret_basic",
		"grant_types": []string{"authorization_code"}, "response_types": []string{"code"}})
	checkMembers(t, s.registered(`{"grant_types":["client_credentials"]}`),
		map[string]any{"response_types": []string{}, "redirect_uris": []string{}})
	checkMembers(t, s.registered(`{`+web+`,"require_client_secret":false}`),
		map[string]any{"token_endpoint_auth_method": "none", "client_secret": nil})
	s.refused(`{`+web+`,"require_client_secret":false,"token_endpoint_auth_method":"client_secret_basic"}`,
		"invalid_client_metadata", "require_client_secret")
}

func testMismatch(t *testing.T, site siteFunc) {
	s := site(setup{})
	s.refused(`{`+web+`,"grant_types":["authorization_code"],"response_types":[]}`, "invalid_client_metadata",
		"response_types must hold code")
	s.refused(`{`+web+`,"grant_types":["client_credentials"],"response_types":["code"]}`, "invalid_client_metadata",
		"grant_types must hold authorization_code")
	hybrid := engine.Options{AllowedGrantTypes: []string{"authorization_code", "implicit"},
		AllowedResponseTypes: []string{"code", "code id_token"}}
	checkMembers(t, site(setup{options: hybrid}).registered(`{`+web+`,"response_types":["code id_token"]}`),
		map[string]any{"grant_types": []string{"authorization_code", "implicit"}})
	correct := site(setup{options: engine.Options{GrantResponseMismatch: engine.MismatchCorrect}})
	checkMembers(t, correct.registered(`{"grant_types":["client_credentials"],"response_types":["code"]}`),
		map[string]any{"response_types": []string{}})
	refuse := site(setup{options: engine.Options{GrantResponseMismatch: engine.MismatchRefuse,
		AllowedGrantTypes: hybrid.AllowedGrantTypes, AllowedResponseTypes: hybrid.AllowedResponseTypes}})
	refuse.refused(`{`+web+`,"response_types":["code id_token"]}`, "invalid_client_metadata", "must hold implicit")
}

func testClientCredentials(_ *testing.T, site siteFunc) {
	s := site(setup{})
	s.registered(`{"grant_types":["client_credentials"]}`)
	s.registered(`{"grant_types":["client_credentials"],"redirect_uris":null}`)
	s.refused(`{"grant_types":["client_credentials"],`+web+`}`, "invalid_redirect_uri", "only client_credentials")
}

func testUnknownMembers(t *testing.T, site siteFunc) {
	body := `{` + web + `,"resource":"https://mcp.example","tier":"gold","nested":{"a":[1]}}`
	s := site(setup{})
	got := s.registered(body)
	checkMembers(t, got, map[string]any{"resource": nil, "tier": nil, "nested": nil})
	e := s.call("GET", "/admin/v1/clients/"+got["client_id"].(string), "").want(http.StatusOK)
	if strings.Contains(e.body, "gold") {
		t.Errorf("an unknown member is stored: %s", e.body)
	}
	listed := site(setup{options: engine.Options{EchoExtensions: []string{"tier"}}})
	checkMembers(t, listed.registered(body), map[string]any{"tier": "gold", "resource": nil})
}

func testEverythingReturned(t *testing.T, site siteFunc) {
	s := site(setup{options: engine.Options{DefaultScopes: []string{"read"}}})
	e := s.register(`{` + web +
		`,"client_name":"App","contacts":["ops@app.example"],"software_id":"4","logo_uri":null,"tos_uri":"",` +
		`"default_acr_values":[]}`).want(http.StatusCreated)
	e.wantMembers(map[string]any{"client_name": "App", "contacts": []string{"ops@app.example"}, "software_id": "4",
		"scope": "read", "application_type": "web",
		"logo_uri": nil, "tos_uri": nil, "jwks": nil, "default_acr_values": []string{}})
	for _, empty := range []string{"null", `""`} {
		if strings.Contains(e.body, empty) {
			t.Errorf("%s holds %s", e.body, empty)
		}
	}
	if strings.Count(e.body, "[]") != 1 {
		t.Errorf("%s holds an empty list that was not sent", e.body)
	}
	for _, grant := range []string{"client_credentials", "urn:ietf:params:oauth:grant-type:device_code"} {
		e := s.register(`{"grant_types":["` + grant + `"],"jwks":{}}`).want(http.StatusCreated)
		e.wantMembers(map[string]any{"response_types": []string{}, "redirect_uris": []string{}, "jwks": nil})
		if strings.Count(e.body, "[]") != 2 {
			t.Errorf("%s holds an empty list that was not sent", e.body)
		}
	}
}

func testReplacedValues(t *testing.T, site siteFunc) {
	s := site(setup{options: engine.Options{AllowedScopes: []string{"read"}, WebCustomScheme: engine.CustomSchemeNative}})
	got := s.registered(`{"redirect_uris":["cursor://app/cb"],"application_type":"web","scope":"read write",` +
		`"id_token_encrypted_response_alg":"RSA-OAEP"}`)
	checkMembers(t, got, map[string]any{"scope": "read", "application_type": "native",
		"id_token_encrypted_response_enc": "A128CBC-HS256"})
	checkUnsupportedValues(t, site)
	checkResponseTypeGrammar(t, site)
}

const publicKey = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

func testKeys(_ *testing.T, site siteFunc) {
	s := site(setup{})
	jwks := `"jwks":{"keys":[` + publicKey + `]}`
	uri := `"jwks_uri":"https://app.example/jwks"`
	s.refused(`{`+web+`,`+jwks+`,`+uri+`}`, "invalid_client_metadata", "jwks and jwks_uri exclude each other")
	private := `{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",` +
		`"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	s.refused(`{`+web+`,"jwks":{"keys":[`+private+`]}}`, "invalid_client_metadata", "private member 'd'")
	s.refused(`{`+web+`,"jwks":{"keys":[{"kty":"oct","k":"GawgguFyGrWKav7AX4VKUg"}]}}`, "invalid_client_metadata",
		"symmetric")
	s.refused(`{`+web+`,"token_endpoint_auth_method":"private_key_jwt"}`, "invalid_client_metadata",
		"needs jwks or jwks_uri")
	for _, keys := range []string{jwks, uri} {
		s.registered(`{` + web + `,"token_endpoint_auth_method":"private_key_jwt",` + keys + `}`)
		s.registered(`{` + web + `,` + keys + `}`)
	}
	checkUnusableKeys(s)
}

// checkUnusableKeys checks what is wrong with single keys, in registrations and updates.
func checkUnusableKeys(s *site) {
	const unknown = `{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"},{"kty":"EC","crv":"P-999","x":"AA","y":"AA"}`
	o := s.own(`{` + web + `}`)
	for members, words := range map[string]string{
		`"jwks":{"keys":[{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("_", 85) + `w"}]}`: "jwks.keys[0].n",
		`"jwks":{"keys":[{"kty":"RSA","e":"AQAB","n":""}]}`:                                 "jwks.keys[0].n",
		`"jwks":{"keys":[{"kty":"RSA","e":"Ag","n":"` + strings.Repeat("_", 344) + `"}]}`:   "jwks.keys[0].e",
		`"jwks":{"keys":[{"kty":"EC","c\u0072v":"P-\u003256","x":"AAA","y":"AAA"}]}`:        "jwks.keys[0].x",
		`"jwks":{"keys":[` + publicKey + `,{"kty":"OKP","crv":"X","\u0064":"AA"}]}`:         "jwks.keys[1].d",
		`"jwks":{"keys":[` + publicKey + `,{"kty":"OKP","crv":"X","x5t":"AAAA"}]}`:          "jwks.keys[1].x5t",
		`"jwks":{"keys":[` + unknown + `]},"token_endpoint_auth_method":"private_key_jwt"`:  "jwks has no key",
		`"jwks":{"keys":[` + publicKey + `]},"token_endpoint_auth_method":"private_key_jwt",` +
			`"token_endpoint_auth_signing_alg":"ES256"`: "token_endpoint_auth_signing_alg ES256",
	} {
		s.refused(`{`+web+`,`+members+`}`, "invalid_client_metadata", words)
		o.putRefused(fmt.Sprintf(`{"client_id":%q,%s,%s}`, o.id, web, members), words)
	}
	s.registered(`{` + web + `,"jwks":{"keys":[` + unknown + `]}}`)
	s.registered(`{` + web + `,"jwks":{"keys":[` + unknown + `,` + publicKey + `]},` +
		`"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_signing_alg":"EdDSA"}`)
}

func testMissingRedirectURIs(_ *testing.T, site siteFunc) {
	s := site(setup{options: engine.Options{AllowedGrantTypes: []string{"authorization_code", "implicit"},
		AllowedResponseTypes: []string{"code", "id_token"}}})
	for _, body := range []string{`{}`, `{"redirect_uris":[]}`, `{"redirect_uris":null}`,
		`{"response_types":["id_token"]}`} {
		s.refused(body, "invalid_redirect_uri", "redirect_uris must name at least one URI")
	}
}

func testLanguageTags(t *testing.T, site siteFunc) {
	s := site(setup{})
	got := s.registered(`{` + web +
		`,"client_name":"App","client_name#ja":"アプリ","logo_uri#pt-BR":"https://app.example/br","scope#ja":"x"}`)
	checkMembers(t, got, map[string]any{"client_name": "App", "client_name#ja": "アプリ",
		"logo_uri#pt-BR": "https://app.example/br", "scope#ja": nil})
	s.refused(`{`+web+`,"client_name#ja":"a","client_name#JA":"b"}`, "invalid_client_metadata", "same member")
	s.refused(`{`+web+`,"client_name#not a tag":"a"}`, "invalid_client_metadata", "language tag")

	texts := map[string]any{"client_name": "\u200fשלום 👨\u200d👩\u200d👧", "client_name#fa": "می\u200cخواهم",
		"client_name#si": "ශ්\u200dරී", "contacts": []string{"Jörg ❤\ufe0f"}}
	checkMembers(t, s.registered(`{`+web+`,"client_name":"\u200fשלום 👨\u200d👩\u200d👧","client_name#fa":"می\u200cخواهم",`+
		`"client_name#si":"ශ්\u200dරී","contacts":["Jörg ❤\ufe0f"]}`), texts)
	own := s.own(`{` + web + `}`)
	for text, words := range map[string]string{"a\u202eb": "U+202E at byte 1", "a\u2028b": "U+2028", "a\u200bb": "U+200B",
		"a\u200db": "U+200D", "\u00a0": "shows nothing"} {
		for _, member := range []string{`"client_name":"` + text + `"`, `"client_name#he":"` + text + `"`,
			`"contacts":["` + text + `"]`} {
			s.refused(`{`+web+`,`+member+`}`, "invalid_client_metadata", words)
			own.put(web + `,` + member).want(http.StatusBadRequest)
		}
	}
}

func testScope(t *testing.T, site siteFunc) {
	s := site(setup{options: engine.Options{DefaultScopes: []string{"basic"}}})
	s.refused(`{`+web+`,"scope":["a","b"]}`, "invalid_client_metadata", "scope must be a string, not a list")
	checkMembers(t, s.registered(`{`+web+`,"scope":"a b"}`), map[string]any{"scope": "a b"})
	checkMembers(t, s.registered(`{`+web+`,"scope":" b  a b"}`), map[string]any{"scope": "b a"})
	s.refused(`{`+web+`,"scope":"a\u00a0b"}`, "invalid_client_metadata", "is not a scope")
	s.refused(`{`+web+`,"scope":"a\tb"}`, "invalid_client_metadata", "is not a scope")
	checkMembers(t, s.registered(`{`+web+`}`), map[string]any{"scope": "basic"})
	checkMembers(t, s.registered(`{`+web+`,"scope":""}`), map[string]any{"scope": "basic"})
	checkMembers(t, site(setup{}).registered(`{`+web+`}`), map[string]any{"scope": nil})
}

func testPages(t *testing.T, site siteFunc) {
	s := site(setup{})
	onHost := site(setup{options: engine.Options{URIsOnRedirectHost: true}})
	for _, member := range []string{"client_uri", "logo_uri", "tos_uri", "policy_uri"} {
		for _, ok := range []string{"http://other.example/", "https://app.example:8443/a?b"} {
			checkMembers(t, s.registered(`{`+web+`,"`+member+`":"`+ok+`"}`), map[string]any{member: ok})
		}
		for _, bad := range []string{"ftp://app.example/", "/relative", "app.example"} {
			s.refused(`{`+web+`,"`+member+`":"`+bad+`"}`, "invalid_client_metadata", member)
		}
		onHost.refused(`{`+web+`,"`+member+`":"https://other.example/"}`, "invalid_client_metadata", "host of a redirect URI")
	}
}

func testContacts(_ *testing.T, site siteFunc) {
	s := site(setup{})
	s.registered(`{` + web + `,"contacts":["ops@app.example"]}`)
	s.refused(`{`+web+`,"contacts":"ops@app.example"}`, "invalid_client_metadata", "contacts must be a list of strings")
	s.refused(`{`+web+`,"contacts":["a",1]}`, "invalid_client_metadata", "contacts[1] must be a string")
	s.refused(`{`+web+`,"client_name":{}}`, "invalid_client_metadata", "client_name must be a string")
	s.refused(`{`+web+`,"default_max_age":"1"}`, "invalid_client_metadata", "default_max_age must be a whole number")
	s.refused(`{`+web+`,"software_version":"1\u0085"}`, "invalid_client_metadata",
		"software_version holds the control character U+0085 at byte 1")
	s.refused(`{`+web+`,"contacts":["a","b\n"]}`, "invalid_client_metadata", "contacts[1] holds the control character U+000A")
}

func testApplicationType(t *testing.T, site siteFunc) {
	s := site(setup{})
	checkMembers(t, s.registered(`{`+web+`,"application_type":"browser"}`), map[string]any{"application_type": "web"})
	strict := site(setup{options: engine.Options{UnsupportedValues: engine.UnsupportedRefuse}})
	strict.refused(`{`+web+`,"application_type":"browser"}`, "invalid_client_metadata",
		"application_type must be one of web, native")
	for uri, want := range map[string]string{"https://app.example/": "web", "http://localhost/": "native",
		"com.example.app:/cb": "native", "cursor://app/cb": "native"} {
		checkMembers(t, s.registered(`{"redirect_uris":["`+uri+`"]}`), map[string]any{"application_type": want})
	}
	s.refused(`{"redirect_uris":["cursor://app/cb"],"application_type":"web"}`, "invalid_redirect_uri",
		"set application_type to native")
	lenient := site(setup{options: engine.Options{WebCustomScheme: engine.CustomSchemeNative}})
	checkMembers(t, lenient.registered(`{"redirect_uris":["cursor://app/cb"],"application_type":"web"}`),
		map[string]any{"application_type": "native"})
}

func testWebRedirects(_ *testing.T, site siteFunc) {
	implicit := site(setup{options: engine.Options{AllowedGrantTypes: []string{"implicit"},
		AllowedResponseTypes: []string{"id_token"}}})
	for _, uri := range []string{"http://localhost/cb", "https://localhost/cb", "http://app.example/cb"} {
		implicit.refused(`{"redirect_uris":["`+uri+`"],"application_type":"web","response_types":["id_token"]}`,
			"invalid_redirect_uri", "https")
	}
	implicit.registered(`{` + web + `,"response_types":["id_token"]}`)
	s := site(setup{})
	s.registered(`{"redirect_uris":["http://localhost:3000/cb"],"application_type":"web"}`)
	s.refused(`{"redirect_uris":["http://app.example/cb"],"application_type":"web"}`, "invalid_redirect_uri",
		"must be https")
	strict := site(setup{options: engine.Options{RefuseWebLoopback: true}})
	strict.refused(`{"redirect_uris":["http://localhost:3000/cb"],"application_type":"web"}`, "invalid_redirect_uri",
		"must be https")
}

func testEncryption(t *testing.T, site siteFunc) {
	s := site(setup{})
	for _, prefix := range []string{"id_token_encrypted_response", "userinfo_encrypted_response",
		"request_object_encryption",
		"authorization_encrypted_response", "introspection_encrypted_response"} {
		s.refused(`{`+web+`,"`+prefix+`_enc":"A128GCM"}`, "invalid_client_metadata", prefix+"_enc needs "+prefix+"_alg")
		checkMembers(t, s.registered(`{`+web+`,"`+prefix+`_alg":"RSA-OAEP"}`),
			map[string]any{prefix + "_enc": "A128CBC-HS256"})
		checkMembers(t, s.registered(`{`+web+`,"`+prefix+`_alg":"ECDH-ES","`+prefix+`_enc":"A256GCM"}`),
			map[string]any{prefix + "_enc": "A256GCM"})
		s.refused(`{`+web+`,"`+prefix+`_alg":"dir"}`, "invalid_client_metadata", prefix+"_alg 'dir' is not supported")
		s.refused(`{`+web+`,"`+prefix+`_alg":"ECDH-ES","`+prefix+`_enc":"A1"}`, "invalid_client_metadata",
			prefix+"_enc 'A1' is not supported")
	}
}

func testOpenIDMembers(t *testing.T, site siteFunc) {
	s := site(setup{})
	got := s.registered(`{` + web +
		`,"initiate_login_uri":"https://app.example/l","request_uris":["https://app.example/r#h"],` +
		`"default_max_age":0,"default_acr_values":["1"],"require_auth_time":false}`)
	checkMembers(t, got, map[string]any{"initiate_login_uri": "https://app.example/l",
		"request_uris":    []string{"https://app.example/r#h"},
		"default_max_age": 0, "default_acr_values": []string{"1"}, "require_auth_time": false})
	for member, value := range map[string]string{"initiate_login_uri": `"http://app.example/l"`,
		"request_uris": `["http://app.example/r"]`, "default_max_age": `-1`,
		"default_acr_values": `[1]`, "require_auth_time": `"true"`} {
		s.refused(`{`+web+`,"`+member+`":`+value+`}`, "invalid_client_metadata", member)
	}
}

func testAlgorithms(_ *testing.T, site siteFunc) {
	s := site(setup{options: engine.Options{SigningAlgs: []string{"ES256"}}})
	for _, member := range []string{"id_token_signed_response_alg", "userinfo_signed_response_alg",
		"request_object_signing_alg",
		"token_endpoint_auth_signing_alg", "authorization_signed_response_alg", "introspection_signed_response_alg"} {
		s.registered(`{` + web + `,"` + member + `":"ES256"}`)
		s.refused(`{`+web+`,"`+member+`":"RS256"}`, "invalid_client_metadata", member+" 'RS256' is not supported")
		s.refused(`{`+web+`,"`+member+`":"HS256"}`, "invalid_client_metadata",
			member+" HS256 needs a secret that the server can read")
	}
	none := `"id_token_signed_response_alg":"none"`
	s.refused(`{`+web+`,`+none+`}`, "invalid_client_metadata", "must not be none")
	unsigned := site(setup{options: engine.Options{AllowUnsignedIDToken: true,
		AllowedGrantTypes:    []string{"authorization_code", "implicit"},
		AllowedResponseTypes: []string{"code", "code id_token"}}})
	unsigned.registered(`{` + web + `,` + none + `}`)
	unsigned.refused(`{`+web+`,"response_types":["code id_token"],`+none+`}`, "invalid_client_metadata",
		"must not be none")
}

func testLaterMembers(t *testing.T, site siteFunc) {
	s := site(setup{})
	for member, values := range map[string][2]string{
		"require_pushed_authorization_requests":      {`true`, `"true"`},
		"authorization_details_types":                {`["payment"]`, `"payment"`},
		"dpop_bound_access_tokens":                   {`true`, `1`},
		"tls_client_certificate_bound_access_tokens": {`false`, `0`},
		"introspection_signed_response_alg":          {`"ES256"`, `["ES256"]`},
		"require_signed_request_object":              {`false`, `"no"`},
	} {
		sent := `"` + member + `":` + values[0]
		if e := s.register(`{` + web + `,` + sent + `}`).want(http.StatusCreated); !strings.Contains(e.body, sent) {
			t.Errorf("%s is not returned: %s", member, e.body)
		}
		s.refused(`{`+web+`,"`+member+`":`+values[1]+`}`, "invalid_client_metadata", member+" must be")
	}
}

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
		if got := e.header.Get("Access-Control-Expose-Headers"); !strings.Contains(strings.ToLower(got), "www-authenticate") {
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

func testUnsafeGrants(_ *testing.T, site siteFunc) {
	s := site(setup{})
	s.refused(`{"grant_types":["password"]}`, "invalid_client_metadata", "'password' is not allowed here")
	for _, response := range []string{"token", "id_token token", "code token", "code id_token token"} {
		s.refused(`{`+web+`,"grant_types":["authorization_code","implicit"],"response_types":["`+response+`"]}`,
			"invalid_client_metadata", "not allowed here")
	}
	all := site(setup{options: engine.Options{AllowedGrantTypes: []string{"authorization_code", "implicit", "password"},
		AllowedResponseTypes: []string{"code", "token"}}})
	all.registered(`{"grant_types":["password"]}`)
	all.registered(`{` + web + `,"response_types":["token"]}`)
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
		if test, _, named := strings.Cut(strings.TrimPrefix(strings.TrimSpace(cells[4]), "`TestConformance/"), "`"); named {
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
