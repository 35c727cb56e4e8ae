package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

const redirects = `"redirect_uris":["https://app.example/cb"]`

// Keys of nobody, in the forms of RFC 7517 appendix A.
const (
	publicEC    = `{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}`
	privateEC   = `{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}`
	symmetric   = `{"kty":"oct","k":"GawgguFyGrWKav7AX4VKUg"}`
	notOnCurve  = `{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"}`
	unknownType = `{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}`
)

// Each row is a request and what must stand in the response, or the refusal. The server's own members are left out.
func TestRules(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options Options
		body    string
		want    string // members of the response, JSON; null is one that must be absent
		code    Code
		message string // in the description of the refusal
	}{
		// Strict JSON.
		{name: "no object", body: `["a"]`, code: InvalidClientMetadata, message: "must be a JSON object, not a list"},
		{name: "null", body: `null`, code: InvalidClientMetadata, message: "must be a JSON object, not null"},
		{name: "nothing", body: ``, code: InvalidClientMetadata, message: "must be a JSON object"},
		{name: "cut", body: `{"client_name":"a`, code: InvalidClientMetadata, message: "no valid JSON"},
		{name: "deeply nested", body: `{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, code: InvalidClientMetadata, message: "must not nest deeper than 100"},
		{name: "nested in a string only", body: `{` + redirects + `,"x":"\"` + strings.Repeat("[", 200) + `"}`, want: `{"x":null}`},
		{name: "trailing data", body: `{} {}`, code: InvalidClientMetadata, message: "no valid JSON"},
		{name: "duplicate member", body: `{"client_name":"a","client_name":"b"}`, code: InvalidClientMetadata, message: "client_name is given twice"},
		{name: "duplicate unknown member", body: `{"x":{"y":1,"y":2}}`, code: InvalidClientMetadata, message: "x.y is given twice"},
		{name: "invalid UTF-8", body: "{\"client_name\":\"\xff\"}", code: InvalidClientMetadata, message: "invalid UTF-8"},
		{name: "wrong type", body: `{"client_name":1}`, code: InvalidClientMetadata, message: "client_name must be a string, not a number"},
		{name: "wrong type in a list", body: `{"contacts":["a",{}]}`, code: InvalidClientMetadata, message: "contacts[1] must be a string, not an object"},
		{name: "string for a list", body: `{"redirect_uris":"a"}`, code: InvalidClientMetadata, message: "redirect_uris must be a list of strings, not a string"},
		{name: "string for a boolean", body: `{"require_auth_time":"true"}`, code: InvalidClientMetadata, message: "require_auth_time must be true or false, not a string"},
		{name: "fraction", body: `{"default_max_age":1.5}`, code: InvalidClientMetadata, message: "default_max_age must be a whole number"},
		{name: "too large a number", body: `{"default_max_age":9223372036854775808}`, code: InvalidClientMetadata, message: "default_max_age must be a whole number"},
		{name: "scope as a list", body: `{"scope":["a"]}`, code: InvalidClientMetadata, message: "scope must be a string, not a list"},
		{name: "null and empty are left out", body: `{` + redirects + `,"client_name":null,"scope":"","contacts":null,"jwks":null,"default_max_age":null}`,
			want: `{"client_name":null,"scope":null,"contacts":null,"jwks":null,"default_max_age":null}`},
		{name: "empty list that was sent", body: `{` + redirects + `,"contacts":[]}`, want: `{"contacts":[]}`},
		{name: "case matters", body: `{` + redirects + `,"Client_Name":"a"}`, want: `{"client_name":null,"Client_Name":null}`},

		// Unknown, extension and language-tagged members.
		{name: "unknown members are ignored", body: `{` + redirects + `,"tier":"gold","client_id":"mine","client_secret":"mine"}`, want: `{"tier":null}`},
		{name: "listed extension members are kept", options: Options{EchoExtensions: []string{"tier"}}, body: `{` + redirects + `,"tier":{"a":[1.0,null]}}`, want: `{"tier":{"a":[1.0,null]}}`},
		{name: "language tags", body: `{` + redirects + `,"client_name":"A","client_name#ja":"B","client_name#pt-BR":"C","tos_uri#x-own":"https://app.example/t"}`,
			want: `{"client_name":"A","client_name#ja":"B","client_name#pt-BR":"C","tos_uri#x-own":"https://app.example/t"}`},
		{name: "empty tagged member", body: `{` + redirects + `,"client_name#ja":"","client_name#de":null}`, want: `{"client_name#ja":null,"client_name#de":null}`},
		{name: "tag on another member", body: `{` + redirects + `,"scope#ja":"a"}`, want: `{"scope#ja":null}`},
		{name: "tag of no language", body: `{` + redirects + `,"client_name#a_b!":"x"}`, code: InvalidClientMetadata, message: "client_name: 'a_b!' is no language tag"},
		{name: "tags differ in case only", body: `{` + redirects + `,"client_name#ja":"x","client_name#JA":"y"}`, code: InvalidClientMetadata, message: "client_name#JA and client_name#ja are the same member"},
		{name: "tagged member of a wrong type", body: `{` + redirects + `,"client_name#ja":1}`, code: InvalidClientMetadata, message: "client_name#ja must be a string, not a number"},
		{name: "unsafe tagged URI", body: `{` + redirects + `,"logo_uri#ja":"javascript:x"}`, code: InvalidClientMetadata, message: "logo_uri#ja has the scheme 'javascript'"},
		{name: "control character", body: `{` + redirects + `,"client_name":"a\nb"}`, code: InvalidClientMetadata, message: "client_name holds a control character"},

		// Grant types, response types, methods.
		{name: "empty grant types", body: `{"grant_types":[]}`, code: InvalidClientMetadata, message: "grant_types is empty"},
		{name: "password", body: `{"grant_types":["password"]}`, code: InvalidClientMetadata, message: "'password' is not allowed here"},
		{name: "password by option", options: Options{AllowedGrantTypes: []string{"password"}}, body: `{"grant_types":["password"]}`, want: `{"grant_types":["password"],"response_types":null,"redirect_uris":[]}`},
		{name: "token from the authorization endpoint", body: `{` + redirects + `,"response_types":["token"]}`, code: InvalidClientMetadata, message: "'implicit' is not allowed here"},
		{name: "client credentials", body: `{"grant_types":["client_credentials"]}`, want: `{"redirect_uris":[],"response_types":null}`},
		{name: "client credentials and an empty list", body: `{"grant_types":["client_credentials"],"redirect_uris":[],"response_types":[]}`, want: `{"redirect_uris":[],"response_types":[]}`},
		{name: "client credentials of a public client", body: `{"grant_types":["client_credentials"],"token_endpoint_auth_method":"none"}`, code: InvalidClientMetadata, message: "token_endpoint_auth_method must not be none"},
		{name: "device code", body: `{"grant_types":["urn:ietf:params:oauth:grant-type:device_code","refresh_token"],"token_endpoint_auth_method":"none"}`, want: `{"redirect_uris":[],"client_secret":null}`},
		{name: "refresh token alone", body: `{"grant_types":["refresh_token"]}`, code: InvalidClientMetadata, message: "refresh_token without a grant"},
		{name: "refresh token with client credentials", body: `{"grant_types":["refresh_token","client_credentials"]}`, code: InvalidClientMetadata, message: "refresh_token without a grant"},
		{name: "refresh token with implicit", options: implicitAllowed, body: `{` + redirects + `,"grant_types":["refresh_token","implicit"],"response_types":["id_token"]}`, code: InvalidClientMetadata, message: "refresh_token without a grant"},
		{name: "both sent, mismatch", body: `{` + redirects + `,"grant_types":["client_credentials"],"response_types":["code"]}`, code: InvalidClientMetadata, message: "grant_types must hold authorization_code"},
		{name: "both sent, corrected", options: Options{GrantResponseMismatch: MismatchCorrect}, body: `{"grant_types":["client_credentials"],"response_types":["code"]}`, want: `{"grant_types":["client_credentials"],"response_types":[]}`},
		{name: "code added", options: Options{GrantResponseMismatch: MismatchCorrect}, body: `{` + redirects + `,"grant_types":["authorization_code"],"response_types":[]}`, want: `{"response_types":["code"]}`},
		{name: "grants follow response types", options: implicitAllowed, body: `{` + redirects + `,"response_types":["id_token code"]}`, want: `{"grant_types":["authorization_code","implicit"],"response_types":["id_token code"]}`},
		{name: "grants do not follow where refused", options: Options{GrantResponseMismatch: MismatchRefuse, AllowedGrantTypes: implicitAllowed.AllowedGrantTypes, AllowedResponseTypes: implicitAllowed.AllowedResponseTypes},
			body: `{` + redirects + `,"response_types":["id_token"]}`, code: InvalidClientMetadata, message: "grant_types must hold implicit"},
		{name: "implicit without a response type", options: implicitAllowed, body: `{` + redirects + `,"grant_types":["implicit"]}`, code: InvalidClientMetadata, message: "grant_types holds implicit, so response_types must name"},
		{name: "unknown method", body: `{` + redirects + `,"token_endpoint_auth_method":"basic"}`, code: InvalidClientMetadata, message: "token_endpoint_auth_method 'basic' is not known"},
		{name: "method that needs the secret itself", body: `{` + redirects + `,"token_endpoint_auth_method":"client_secret_jwt"}`, code: InvalidClientMetadata, message: "client_secret_jwt needs a secret that the server can read"},
		{name: "no secret required", body: `{` + redirects + `,"require_client_secret":false}`, want: `{"token_endpoint_auth_method":"none","client_secret":null,"client_secret_expires_at":null,"require_client_secret":false}`},
		{name: "no secret required, but used", body: `{` + redirects + `,"require_client_secret":false,"token_endpoint_auth_method":"client_secret_post"}`, code: InvalidClientMetadata, message: "require_client_secret is false"},
		{name: "secret required, but not used", body: `{` + redirects + `,"require_client_secret":true,"token_endpoint_auth_method":"none"}`, code: InvalidClientMetadata, message: "require_client_secret is true"},

		// Scopes.
		{name: "scopes", body: `{` + redirects + `,"scope":"a  b a"}`, want: `{"scope":"a b"}`},
		{name: "scopes that are not allowed are dropped", options: Options{AllowedScopes: []string{"a"}}, body: `{` + redirects + `,"scope":"a b"}`, want: `{"scope":"a"}`},
		{name: "none left", options: Options{AllowedScopes: []string{"a"}, DefaultScopes: []string{"a"}}, body: `{` + redirects + `,"scope":"b"}`, want: `{"scope":"a"}`},
		{name: "offline access does not count", options: Options{DefaultScopes: []string{"a"}}, body: `{` + redirects + `,"scope":"offline_access"}`, want: `{"scope":"offline_access a"}`},
		{name: "no scope at all", options: Options{AllowedScopes: []string{"a"}}, body: `{` + redirects + `,"scope":"b"}`, want: `{"scope":null}`},
		{name: "no scope token", body: `{` + redirects + `,"scope":"a\"b"}`, code: InvalidClientMetadata, message: "scope: 'a'b' is no scope"},

		// Keys.
		{name: "public key with any method", body: `{` + redirects + `,"jwks":{"keys":[` + publicEC + `]}}`, want: `{"jwks":{"keys":[` + publicEC + `]}}`},
		{name: "key of an unknown type", body: `{` + redirects + `,"jwks":{"keys":[` + unknownType + `]}}`, want: `{"jwks":{"keys":[` + unknownType + `]}}`},
		{name: "private key", body: `{` + redirects + `,"jwks":{"keys":[` + publicEC + `,` + privateEC + `]}}`, code: InvalidClientMetadata, message: "jwks.keys[1] holds the private member 'd'"},
		{name: "symmetric key", body: `{` + redirects + `,"jwks":{"keys":[` + symmetric + `]}}`, code: InvalidClientMetadata, message: "jwks.keys[0] is a symmetric key"},
		{name: "point off the curve", body: `{` + redirects + `,"jwks":{"keys":[` + notOnCurve + `]}}`, code: InvalidClientMetadata, message: "jwks.keys[0] is no valid public key"},
		{name: "key without a type", body: `{` + redirects + `,"jwks":{"keys":[{}]}}`, code: InvalidClientMetadata, message: "jwks.keys[0].kty must be a string"},
		{name: "key that is no object", body: `{` + redirects + `,"jwks":{"keys":[null]}}`, code: InvalidClientMetadata, message: "jwks.keys[0] must be an object"},
		{name: "jwks without keys", body: `{` + redirects + `,"jwks":{}}`, code: InvalidClientMetadata, message: "jwks.keys must hold at least one key"},
		{name: "jwks is no object", body: `{` + redirects + `,"jwks":[]}`, code: InvalidClientMetadata, message: "jwks must be an object"},
		{name: "jwks_uri over http", body: `{` + redirects + `,"jwks_uri":"http://app.example/jwks"}`, code: InvalidClientMetadata, message: "jwks_uri must be an https URI"},
		{name: "signed requests without keys", body: `{` + redirects + `,"require_signed_request_object":true}`, code: InvalidClientMetadata, message: "require_signed_request_object needs jwks"},
		{name: "self-signed certificate without keys", body: `{` + redirects + `,"token_endpoint_auth_method":"self_signed_tls_client_auth"}`, code: InvalidClientMetadata, message: "needs jwks or jwks_uri"},

		// Pages and logout.
		{name: "relative page", body: `{` + redirects + `,"client_uri":"/about"}`, code: InvalidClientMetadata, message: "client_uri is relative"},
		{name: "page on another host by option", options: Options{URIsOnRedirectHost: true}, body: `{` + redirects + `,"logo_uri":"https://cdn.example/l"}`, code: InvalidClientMetadata, message: "logo_uri must be on the host of a redirect URI"},
		{name: "page on the host by option", options: Options{URIsOnRedirectHost: true}, body: `{` + redirects + `,"logo_uri":"https://APP.example:8443/l"}`, want: `{"logo_uri":"https://APP.example:8443/l"}`},
		{name: "front channel on another host", body: `{` + redirects + `,"frontchannel_logout_uri":"https://other.example/l"}`, code: InvalidClientMetadata, message: "frontchannel_logout_uri must have the scheme, host and port"},
		{name: "back channel over http, public", body: `{` + redirects + `,"token_endpoint_auth_method":"none","backchannel_logout_uri":"http://app.example/l"}`, code: InvalidClientMetadata, message: "backchannel_logout_uri must be an https URI"},
		{name: "back channel over http, confidential", body: `{` + redirects + `,"backchannel_logout_uri":"http://app.example/l"}`, want: `{"backchannel_logout_uri":"http://app.example/l"}`},
		{name: "post-logout URI of a native client", body: `{"redirect_uris":["com.example.app:/cb"],"post_logout_redirect_uris":["com.example.app:/bye"]}`, want: `{"post_logout_redirect_uris":["com.example.app:/bye"]}`},
		{name: "unsafe post-logout URI", body: `{` + redirects + `,"post_logout_redirect_uris":["https://app.example/","JavaScript:x"]}`, code: InvalidClientMetadata, message: "post_logout_redirect_uris[1] has the scheme 'javascript'"},

		// IdentityServer's own members.
		{name: "lifetime of nothing", body: `{` + redirects + `,"access_token_lifetime":0}`, code: InvalidClientMetadata, message: "access_token_lifetime must be above 0"},
		{name: "negative absolute lifetime", body: `{` + redirects + `,"absolute_refresh_token_lifetime":-1}`, code: InvalidClientMetadata, message: "absolute_refresh_token_lifetime must not be negative"},
		{name: "unknown token type", body: `{` + redirects + `,"access_token_type":"JWT"}`, code: InvalidClientMetadata, message: "access_token_type must be one of Jwt, Reference, not 'JWT'"},
		{name: "unknown expiration", body: `{` + redirects + `,"refresh_token_expiration":"Never"}`, code: InvalidClientMetadata, message: "refresh_token_expiration must be one of"},
		{name: "unknown usage", body: `{` + redirects + `,"refresh_token_usage":"Once"}`, code: InvalidClientMetadata, message: "refresh_token_usage must be one of"},
		{name: "origin with a path", body: `{` + redirects + `,"allowed_cors_origins":["https://app.example/"]}`, code: InvalidClientMetadata, message: "allowed_cors_origins[0] must be an origin"},
		{name: "max age without the code grant", body: `{"grant_types":["client_credentials"],"default_max_age":1}`, code: InvalidClientMetadata, message: "default_max_age needs the grant type authorization_code"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := register(t, Config{Options: tt.options}, tt.body)
			if tt.code != "" {
				checkRefusal(t, err, tt.code, tt.message)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkMembers(t, got, tt.want)
		})
	}
}

var implicitAllowed = Options{
	AllowedGrantTypes:    []string{"authorization_code", "implicit", "refresh_token"},
	AllowedResponseTypes: []string{"code", "id_token", "code id_token"},
}

func checkRefusal(t *testing.T, err error, code Code, message string) {
	t.Helper()
	refusal, ok := errors.AsType[*Error](err)
	if !ok || refusal.Code != code || !strings.Contains(refusal.Description, message) {
		t.Errorf("got %v, want %s with %q", err, code, message)
	}
}

// checkMembers compares the members that want names; null is one that must be absent.
func checkMembers(t *testing.T, got map[string]any, want string) {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(want), &members); err != nil {
		t.Fatal(err)
	}
	for name, value := range members {
		have, there := got[name]
		if there != (value != nil) || there && !cmp.Equal(value, have) {
			t.Errorf("%s: got %v, want %v", name, have, value)
		}
	}
}

func TestRedirectURIs(t *testing.T) {
	for _, tt := range []struct {
		options Options
		kind    string // as sent; "" is left out
		uri     string
		want    string // the application type, or what the refusal says
	}{
		{uri: "https://app.example/cb?a=b%20c", want: "web"},
		{uri: "https://app.example", want: "web"},
		{uri: "http://localhost/cb", want: "native"},
		{uri: "http://localhost:8123/cb", want: "native"},
		{uri: "http://127.0.0.1:1/cb", want: "native"},
		{uri: "http://[::1]:65535/cb", want: "native"},
		{uri: "http://LOCALHOST/cb", want: "native"},
		{uri: "cursor://example.extension/oauth/callback", want: "native"},
		{uri: "com.example.app:/cb", want: "native"},
		{uri: "myapp:cb", want: "native"},
		{kind: "web", uri: "http://localhost:3000/cb", want: "web"},
		{kind: "native", uri: "https://app.example/cb", want: "native"},
		{kind: "web", uri: "cursor://example/cb", want: "set application_type to native"},
		{kind: "web", uri: "cursor://example/cb", options: Options{WebCustomScheme: CustomSchemeNative}, want: "native"},
		{kind: "web", uri: "http://localhost/cb", options: Options{RefuseWebLoopback: true}, want: "not even on localhost"},
		{uri: "http://localhost/cb", options: Options{RefuseWebLoopback: true}, want: "native"},
		{uri: "cursor://example/cb", options: Options{NativeScheme: NativeSchemeReverseDomain}, want: "domain name in reverse"},
		{uri: "com.example.app:/cb", options: Options{NativeScheme: NativeSchemeReverseDomain}, want: "native"},
		{kind: "desktop", uri: "https://app.example/", want: "application_type must be one of web, native"},
		{uri: "http://app.example/cb", want: "must be https"},
		{kind: "native", uri: "http://app.example/cb", want: "must be https"},
		{uri: "http://127.0.0.2/cb", want: "must be https"},
		{uri: "http://localhost.app.example/cb", want: "must be https"},
		{uri: "http://[::1%25lo]/cb", want: "must be https"},
		{uri: "/cb", want: "is relative"},
		{uri: "app.example/cb", want: "is relative"},
		{uri: "//app.example/cb", want: "is relative"},
		{uri: "https:///cb", want: "has no host"},
		{uri: "https:app.example", want: "has no host"},
		{uri: "https://:443/cb", want: "has no host"},
		{uri: "https://app.example/cb#f", want: "has a fragment"},
		{uri: "https://app.example/cb#", want: "has a fragment"},
		{uri: "https://user@app.example/cb", want: "user information"},
		{uri: "https://user:pass@app.example/cb", want: "user information"},
		{uri: "https://@app.example/cb", want: "user information"},
		{uri: "https://app.example/c b", want: "holds a space at byte 21"},
		{uri: "https://app.example/\\u0007", want: "control character"},
		{uri: "https://app.example/é", want: "outside ASCII"},
		{uri: "https://app.example/\\\\evil.example", want: "a backslash"},
		{uri: "https://app.example/%zz", want: "percent sign"},
		{uri: "https://app.example/?%4", want: "percent sign"},
		{uri: "https://app.example:65536/", want: "port above 65535"},
		{uri: "https://app.example:x/", want: "is no URI"},
		{uri: "javascript:alert(1)", want: "scheme 'javascript'"},
		{uri: "JaVaScRiPt:alert(1)", want: "scheme 'javascript'"},
		{uri: "data:text/html,x", want: "scheme 'data'"},
		{uri: "vbscript:x", want: "scheme 'vbscript'"},
		{uri: "file:///etc/passwd", want: "scheme 'file'"},
		{uri: "blob:https://app.example/x", want: "scheme 'blob'"},
		{uri: "about:blank", want: "scheme 'about'"},
	} {
		t.Run(tt.kind+" "+tt.uri, func(t *testing.T) {
			body := `{"redirect_uris":["https://ok.example/","` + tt.uri + `"],"application_type":"` + tt.kind + `"}`
			got, err := register(t, Config{Options: tt.options}, body)
			if err == nil {
				if got["application_type"] != tt.want {
					t.Errorf("application_type %v, want %s", got["application_type"], tt.want)
				}
				return
			}
			if tt.kind == "desktop" {
				checkRefusal(t, err, InvalidClientMetadata, tt.want)
				return
			}
			checkRefusal(t, err, InvalidRedirectURI, tt.want)
			if !strings.Contains(err.Error(), "redirect_uris[1] ") {
				t.Errorf("%v does not name redirect_uris[1]", err)
			}
		})
	}
}

func TestDescriptionsAreInTheCharacterSet(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "The registration was refused; no reason was given.",
		"a \"b\" \\ é\x00\n\t~":  "a 'b' / ??  ~",
		strings.Repeat("x", 2e3): strings.Repeat("x", maxDescription),
	} {
		if got := Refuse("%s", in).Description; got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := ParseCode("my_code"); got != InvalidClientMetadata {
		t.Errorf("my_code became %s", got)
	}
	if got := ParseCode("insufficient_scope"); got != InsufficientScope {
		t.Errorf("insufficient_scope became %s", got)
	}
}

// FuzzRegister: no request panics, and what is refused is refused by an *Error, never by an invariant.
func FuzzRegister(f *testing.F) {
	for _, body := range everyMember {
		f.Add([]byte(body))
	}
	f.Add([]byte(minimal))
	e := newEngine(f, Config{Options: Options{EchoExtensions: []string{"tier"}, AllowedGrantTypes: implicitAllowed.AllowedGrantTypes, AllowedResponseTypes: implicitAllowed.AllowedResponseTypes}})
	f.Fuzz(func(t *testing.T, body []byte) {
		request, err := ParseRequest(body)
		if err == nil {
			_, err = e.Register(t.Context(), request, &Caller{Auth: AuthNone})
		}
		if _, refused := errors.AsType[*Error](err); err != nil && !refused {
			t.Errorf("%s: %v", body, err)
		}
	})
}

func BenchmarkRegister(b *testing.B) {
	e := newEngine(b, Config{Store: discard{}})
	body := []byte(everyMember[0])
	for _, bb := range []struct {
		name string
		body []byte
	}{{"minimal", []byte(minimal)}, {"every member", body}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				request, err := ParseRequest(bb.body)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := e.Register(b.Context(), request, &Caller{Auth: AuthNone}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
