package server_test

import (
	"net/http"
	"testing"

	"registrar/engine"
)

// checkUnsupportedValues checks that lists lose the values that the server does not offer.
func checkUnsupportedValues(t *testing.T, site siteFunc) {
	t.Helper()
	const bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	body := `{` + web + `,"grant_types":["authorization_code","refresh_token","` + bearer + `"]}`
	s := site(setup{})
	both := map[string]any{"grant_types": []string{"authorization_code", "refresh_token"}}
	checkMembers(t, s.registered(body), both)
	o := s.own(`{` + web + `}`)
	o.put(body[1 : len(body)-1]).want(http.StatusOK).wantMembers(both)
	o.get().want(http.StatusOK).wantMembers(both)
	checkMembers(t, s.registered(`{`+web+`,"response_types":["code","id_token"]}`),
		map[string]any{"response_types": []string{"code"}, "grant_types": []string{"authorization_code"}})
	s.refused(`{"grant_types":["`+bearer+`"]}`, "invalid_client_metadata", "is not allowed here")
	s.refused(`{`+web+`,"response_types":["token"]}`, "invalid_client_metadata", "response_types: 'token'")
	strict := site(setup{options: engine.Options{UnsupportedValues: engine.UnsupportedRefuse}})
	strict.refused(body, "invalid_client_metadata", "grant_types: '"+bearer+"' is not allowed here")

	const issuer = "https://auth.example"
	document := `{"issuer":"` + issuer +
		`","grant_types_supported":["authorization_code"],"acr_values_supported":["1"]}`
	bounded := site(advertising(t, issuer, document, setup{}))
	checkMembers(t, bounded.registered(`{`+web+`,"grant_types":["authorization_code","refresh_token"],`+
		`"default_acr_values":["2"]}`),
		map[string]any{"grant_types": []string{"authorization_code"}, "default_acr_values": nil})
}

// checkResponseTypeGrammar checks that response types are those of RFC 6749, and that lists hold each value once.
func checkResponseTypeGrammar(t *testing.T, site siteFunc) {
	t.Helper()
	o := engine.Options{AllowedGrantTypes: []string{"authorization_code", "implicit"},
		AllowedResponseTypes: []string{"code", "code id_token"}}
	s := site(setup{options: o})
	o.UnsupportedValues = engine.UnsupportedRefuse
	strict := site(setup{options: o})
	for _, odd := range []string{`\u00a0code`, `code\n`, " code", "code ", "code  id_token", `code\tid_token`,
		"code code"} {
		s.refused(`{`+web+`,"response_types":["`+odd+`"]}`, "invalid_client_metadata", "response_types")
		strict.refused(`{`+web+`,"response_types":["code","`+odd+`"]}`, "invalid_client_metadata", "response_types")
	}
	checkMembers(t, s.registered(`{`+web+`,"response_types":["\u00a0code","code"]}`),
		map[string]any{"response_types": []string{"code"}})
	checkMembers(t, s.registered(`{`+web+`,"response_types":["id_token code","code","code id_token"]}`),
		map[string]any{"response_types": []string{"code id_token", "code"}})
	checkMembers(t, s.registered(`{"redirect_uris":["https://app.example/1","https://app.example/1"],`+
		`"grant_types":["authorization_code","authorization_code"],"contacts":["a","a"]}`),
		map[string]any{"redirect_uris": []string{"https://app.example/1"},
			"grant_types": []string{"authorization_code"},
			"contacts":    []string{"a"}})
}

// checkDefaultMethod checks which method a client gets that leaves it out.
func checkDefaultMethod(t *testing.T, open siteFunc) {
	t.Helper()
	const issuer = "https://auth.example"
	at := func(methods string) *site {
		return open(advertising(t, issuer,
			`{"issuer":"`+issuer+`","token_endpoint_auth_methods_supported":[`+methods+`]}`,
			setup{}))
	}
	checkMembers(t, at(`"client_secret_post","client_secret_basic"`).registered(`{`+web+`}`),
		map[string]any{"token_endpoint_auth_method": "client_secret_basic"})
	s := at(`"private_key_jwt","client_secret_post","none"`)
	checkMembers(t, s.registered(`{`+web+`}`), map[string]any{"token_endpoint_auth_method": "client_secret_post"})
	checkMembers(t, s.registered(`{`+web+`,"jwks_uri":"https://app.example/jwks"}`),
		map[string]any{"token_endpoint_auth_method": "private_key_jwt", "client_secret": nil})
	s.refused(`{`+web+`,"token_endpoint_auth_method":"client_secret_basic"}`, "invalid_client_metadata",
		"is not among the token_endpoint_auth_methods_supported")
	at(`"private_key_jwt"`).refused(`{`+web+`}`, "invalid_client_metadata", "token_endpoint_auth_method is missing")
}
