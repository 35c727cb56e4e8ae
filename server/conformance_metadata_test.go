package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"registrar/engine"
)

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
	s := site(setup{options: engine.Options{AllowedScopes: []string{"read"},
		WebCustomScheme: engine.CustomSchemeNative}})
	got := s.registered(`{"redirect_uris":["cursor://app/cb"],"application_type":"web","scope":"read write",` +
		`"id_token_encrypted_response_alg":"RSA-OAEP"}`)
	checkMembers(t, got, map[string]any{"scope": "read", "application_type": "native",
		"id_token_encrypted_response_enc": "A128CBC-HS256"})
	checkUnsupportedValues(t, site)
	checkResponseTypeGrammar(t, site)
}

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
	for text, words := range map[string]string{"a\u202eb": "U+202E at byte 1", "a\u2028b": "U+2028",
		"a\u200bb": "U+200B",
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
		onHost.refused(`{`+web+`,"`+member+`":"https://other.example/"}`, "invalid_client_metadata",
			"host of a redirect URI")
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
	s.refused(`{`+web+`,"contacts":["a","b\n"]}`, "invalid_client_metadata",
		"contacts[1] holds the control character U+000A")
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
