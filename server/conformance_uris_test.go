package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"registrar/engine"
)

// pages are the members that hold one URI, in a web client that may have all of them.
var pages = []string{"client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri", "sector_identifier_uri",
	"initiate_login_uri", "frontchannel_logout_uri", "backchannel_logout_uri", "logo_uri#ja"}

func testMalformedRedirectURIs(_ *testing.T, site siteFunc) {
	s := site(setup{})
	for uri, words := range map[string]string{
		"/cb":                              "is relative",
		"app.example":                      "is relative",
		"https://app.example/#":            "has a fragment",
		"https://app.example/#a":           "has a fragment",
		"https://a:b@app.example/":         "user information",
		"https://app.example/\\u0000":      "control character",
		"https://app.example/\\n":          "control character",
		"https://app.example/[x]":          "holds '[' at byte 20",
		"https://münchen.example/":         "use punycode, which is xn--mnchen-3ya.example",
		"https://xn--a.example/":           "not valid punycode",
		"https://*.app.example/":           "'*' in its host",
		"https://app.example:*/":           "'*' in its port",
		"https://127.1/":                   "write 127.0.0.1",
		"https://0x7f.0.0.1/":              "write 127.0.0.1",
		"https://017700000001/":            "write 127.0.0.1",
		"https://2130706433/":              "write 127.0.0.1",
		"https://[::ffff:127.0.0.1]/":      "write 127.0.0.1",
		"https://[fe80::1%25eth0]/":        "IPv6 zone",
		"https://app.example./":            "a dot at the end of its host",
		"https://app.example:65536/":       "a port above 65535",
		"https://-app.example/":            "begins or ends with a hyphen",
		"https://app.example,evil.example": "',' in its host",
	} {
		s.refused(`{"redirect_uris":["https://app.example/","`+uri+`"]}`, "invalid_redirect_uri", "redirect_uris[1] ")
		s.refused(`{"redirect_uris":["`+uri+`"]}`, "invalid_redirect_uri", words)
	}
	for _, member := range pages {
		s.refused(`{`+web+`,"`+member+`":"https://127.1/"}`, "invalid_client_metadata",
			member+" has another spelling of the IP address 127.0.0.1: write 127.0.0.1")
	}
	s.own(`{` + web + `}`).put(`"redirect_uris":["https://*/"]`).want(http.StatusBadRequest).
		wantMembers(map[string]any{"error": "invalid_redirect_uri"})
}

func testUnsafeSchemes(_ *testing.T, site siteFunc) {
	s := site(setup{})
	for i, scheme := range []string{"javascript", "data", "vbscript", "file", "blob", "about", "filesystem",
		"view-source",
		"jar"} {
		uri := strings.ToUpper(scheme[:1+i%3]) + scheme[1+i%3:] + ":x"
		s.refused(`{"redirect_uris":["`+uri+`"]}`, "invalid_redirect_uri", scheme)
		for _, member := range append(pages, "tls_client_auth_san_uri") {
			s.refused(`{`+web+`,"`+member+`":"`+uri+`"}`, "invalid_client_metadata", member)
		}
		for _, member := range []string{"request_uris", "post_logout_redirect_uris"} {
			s.refused(`{`+web+`,"`+member+`":["`+uri+`"]}`, "invalid_client_metadata", member+"[0]")
		}
	}
}

// checkPrivateUseSchemes checks which schemes are an app's own.
func checkPrivateUseSchemes(s *site) {
	for _, scheme := range []string{"com.example.app", "cursor", "vscode", "vscode-insiders", "claude", "zed",
		"windsurf",
		"jetbrains", "warp", "msauth.com.example.app"} {
		uri := scheme + "://auth/cb"
		s.registered(`{"redirect_uris":["` + uri + `"],"post_logout_redirect_uris":["` + uri + `"]}`)
	}
	for scheme, words := range map[string]string{
		"intent": "browsers or systems", "ms-settings": "browsers or systems", "feed": "browsers or systems",
		"Chrome-Extension": "browsers or systems", "itms-services": "browsers or systems",
		"ftp": "IANA", "ldap": "IANA", "ws": "IANA", "WSS": "IANA", "mailto": "IANA", "tel": "IANA",
	} {
		uri := scheme + "://app.example/cb"
		s.refused(`{"redirect_uris":["`+uri+`"]}`, "invalid_redirect_uri", words)
		s.refused(`{`+web+`,"post_logout_redirect_uris":["`+uri+`"]}`, "invalid_client_metadata", words)
	}
	s.refused(`{"redirect_uris":["urn:ietf:wg:oauth:2.0:oob"]}`, "invalid_redirect_uri", "use a loopback redirect")
	s.refused(`{"redirect_uris":["localhost:3000/cb"]}`, "invalid_redirect_uri", "begin with http://")
}

func testNativeRedirects(_ *testing.T, site siteFunc) {
	s := site(setup{})
	for _, uri := range []string{"com.example.app:/cb", "cursor://app/cb", "https://app.example/claimed",
		"http://127.0.0.1/cb", "http://[::1]/cb", "http://localhost/cb"} {
		s.registered(`{"redirect_uris":["` + uri + `"],"application_type":"native"}`)
	}
	s.refused(`{"redirect_uris":["http://app.example/cb"],"application_type":"native"}`, "invalid_redirect_uri",
		"must be https")
	strict := site(setup{options: engine.Options{NativeScheme: engine.NativeSchemeReverseDomain}})
	strict.refused(`{"redirect_uris":["cursor://app/cb"]}`, "invalid_redirect_uri", "domain name in reverse")
	strict.registered(`{"redirect_uris":["com.example.app:/cb"]}`)
	checkPrivateUseSchemes(s)
}

func testLoopbackPorts(t *testing.T, site siteFunc) {
	s := site(setup{})
	for _, host := range []string{"127.0.0.1", "[::1]", "localhost", "127.0.0.2", "127.255.255.255", "app.localhost",
		"LocalHost", "[0:0:0:0:0:0:0:1]", "[::0.0.0.1]"} {
		for _, port := range []string{"", ":1", ":8080", ":65535"} {
			uri := "http://" + host + port + "/cb"
			checkMembers(t, s.registered(`{"redirect_uris":["`+uri+`"]}`),
				map[string]any{"redirect_uris": []string{uri}, "application_type": "native"})
		}
	}
	for _, host := range []string{"127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::ffff:127.0.0.1]"} {
		s.refused(`{"redirect_uris":["http://`+host+`/cb"]}`, "invalid_redirect_uri", "write 127.0.0.1")
	}
	for _, host := range []string{"localhost.example", "notlocalhost", "0.0.0.0", "[::]", "128.0.0.1", "10.0.0.1",
		"lab.example"} {
		s.refused(`{"redirect_uris":["http://`+host+`/cb"]}`, "invalid_redirect_uri", "must be https")
	}
	lab := site(setup{options: engine.Options{HTTPRedirectHosts: []string{"lab.example", "10.0.0.0/8"}}})
	o := lab.own(`{"redirect_uris":["http://lab.example:8080/cb","http://10.9.8.7/cb"]}`)
	o.put(`"redirect_uris":["http://10.1.1.1/cb"],"application_type":"native"`).want(http.StatusOK)
	lab.refused(`{"redirect_uris":["http://a.lab.example/cb"]}`, "invalid_redirect_uri", "must be https")
	lab.refused(`{`+web+`,"jwks_uri":"http://lab.example/jwks"}`, "invalid_client_metadata", "must be an https URI")
}

func testTLSClientAuth(_ *testing.T, site siteFunc) {
	s := site(setup{})
	method := `"token_endpoint_auth_method":"tls_client_auth"`
	members := []struct{ name, good, bad, words string }{
		{"subject_dn", "CN=app,O=Example", "app", "must be a distinguished name"},
		{"san_dns", "app.example", "*.app.example", "without '*'"},
		{"san_uri", "spiffe://app.example/a", "app.example", "is relative"},
		{"san_ip", "2001:db8::1", "2001:DB8::1", "write 2001:db8::1"},
		{"san_email", "app@app.example", "App <app@app.example>", "must be a mail address"},
	}
	s.refused(`{`+web+`,`+method+`}`, "invalid_client_metadata", "needs exactly one of")
	for i, m := range members {
		one := fmt.Sprintf(`%s,%s,"tls_client_auth_%s":"%s"`, web, method, m.name, m.good)
		s.registered(`{` + one + `}`)
		next := members[(i+1)%len(members)]
		s.refused(fmt.Sprintf(`{%s,"tls_client_auth_%s":"%s"}`, one, next.name, next.good), "invalid_client_metadata",
			"not 2")
		s.refused(fmt.Sprintf(`{%s,%s,"tls_client_auth_%s":"%s"}`, web, method, m.name, m.bad),
			"invalid_client_metadata",
			m.words)
	}
}

// checkOriginsOfClients checks what allowed_cors_origins may hold, and how it is returned.
func checkOriginsOfClients(t *testing.T, s *site) {
	t.Helper()
	body := func(origin string) string { return `{` + web + `,"allowed_cors_origins":["` + origin + `"]}` }
	for origin, want := range map[string]string{
		"https://spa.example":                 "https://spa.example",
		"HTTPS://Spa.Example:443":             "https://spa.example",
		"http://localhost:8080":               "http://localhost:8080",
		"https://[2001:DB8:0:0:0:0:0:1]:8443": "https://[2001:db8::1]:8443",
	} {
		checkMembers(t, s.registered(body(origin)), map[string]any{"allowed_cors_origins": []string{want}})
	}
	for origin, words := range map[string]string{
		"*": "must be an origin", "null": "must be an origin", "https://*": "'*' in its host",
		`https://\"><x>`:            "its host",
		"https://app.example:99999": "a port above 65535", "https://app.example/": "without anything after the port",
		"https://münchen.example": "use punycode, which is xn--mnchen-3ya.example",
		"ftp://app.example":       "must be an origin",
	} {
		s.refused(body(origin), "invalid_client_metadata", words)
	}
}
