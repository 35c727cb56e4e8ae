package engine

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// rulesNames replaces the names in testdata/rules: keys, most of them from RFC 7517 appendix A, and what is awkward to
// write in a text file. keyNames has more keys.
var rulesNames = strings.NewReplacer(
	"$publicEC", `{"kty":"EC","crv":"P-256","x":"`+pointX+`","y":"`+pointY+`"}`,
	"$privateEC", `{"kty":"EC","crv":"P-256","x":"`+pointX+`","y":"`+pointY+`","d":"`+pointD+`"}`,
	"$notOnCurve", `{"kty":"EC","crv":"P-256","x":"`+pointX+`","y":"`+pointX+`"}`,
	"$symmetric", `{"kty":"oct","k":"GawgguFyGrWKav7AX4VKUg"}`,
	"$unknownType", `{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}`,
	"$100[", strings.Repeat("[", 100),
	"$100]", strings.Repeat("]", 100),
	"$200[", strings.Repeat("[", 200),
	"$xff", "\xff",
)

const (
	pointX = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
	pointY = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
	pointD = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"
)

// TestRules runs the cases in testdata/rules. A case is a file of a txtar archive:
//
//	option NAME JSON          a field of Options; any number of these lines, before the next kind
//	advertised LIST JSON      a list of the discovery document; any number of these lines
//	{"redirect_uris":[...]}   the request
//	-> {"scope":"a"}          members of the response; null means that the member must be missing
//
// The last line is "-> CODE: TEXT" if the request is refused; TEXT is a part of the description.
func TestRules(t *testing.T) {
	files, err := filepath.Glob("testdata/rules/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range archive.Files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+c.Name, func(t *testing.T) {
				config, body, want := readRule(t, string(c.Data))
				got, err := register(t, config, body)
				if code, message, refused := strings.Cut(want, ": "); refused && !strings.HasPrefix(want, "{") {
					wantRefusal(t, err, Code(code), message)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				checkMembers(t, got, want)
			})
		}
	}
}

// readRule returns the configuration, the request and the outcome of a case.
func readRule(t *testing.T, text string) (c Config, body, want string) {
	t.Helper()
	for strings.HasPrefix(text, "option ") {
		line, rest, _ := strings.Cut(text, "\n")
		name, value, _ := strings.Cut(strings.TrimPrefix(line, "option "), " ")
		if err := json.Unmarshal([]byte(`{"`+name+`":`+value+`}`), &c.Options,
			json.RejectUnknownMembers(true)); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		text = rest
	}
	advertised := Advertised{}
	for strings.HasPrefix(text, "advertised ") {
		line, rest, _ := strings.Cut(text, "\n")
		name, value, _ := strings.Cut(strings.TrimPrefix(line, "advertised "), " ")
		var list []string
		if err := json.Unmarshal([]byte(value), &list); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		advertised[name] = list
		text = rest
	}
	c.Advertised = func() (Advertised, error) { return advertised, nil }
	before, after, found := strings.Cut("\n"+rulesNames.Replace(keyNames(text)), "\n-> ")
	if !found {
		t.Fatal("the case has no outcome")
	}
	return c, strings.TrimPrefix(before, "\n"), strings.TrimSpace(after)
}

var implicitAllowed = Options{
	AllowedGrantTypes:    []string{"authorization_code", "implicit", "refresh_token"},
	AllowedResponseTypes: []string{"code", "id_token", "code id_token"},
}

// wantRefusal checks that err is a refusal with a code, and words in its description.
func wantRefusal(t *testing.T, err error, code Code, words string) {
	t.Helper()
	refusal, ok := errors.AsType[*Error](err)
	if !ok || refusal.Code != code || !strings.Contains(refusal.Description, words) {
		t.Errorf("got %v, want %s with %q", err, code, words)
	}
}

// checkMembers compares the members in want; null means that the member must be missing.
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
	lab := Options{HTTPRedirectHosts: []string{"lab.example", "10.0.0.0/8", "192.0.2.7", "fd00::/16"}}
	for _, tt := range []struct {
		options Options
		kind    string // application_type as sent; "" means none
		uri     string
		want    string // the application type, or a part of the refusal's description
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
		{kind: "web", uri: "cursor://example/cb", options: Options{WebCustomScheme: CustomSchemeNative},
			want: "native"},
		{kind: "web", uri: "http://localhost/cb", options: Options{RefuseWebLoopback: true},
			want: "not even on localhost"},
		{uri: "http://localhost/cb", options: Options{RefuseWebLoopback: true}, want: "native"},
		{uri: "cursor://example/cb", options: Options{NativeScheme: NativeSchemeReverseDomain},
			want: "domain name in reverse"},
		{uri: "com.example.app:/cb", options: Options{NativeScheme: NativeSchemeReverseDomain}, want: "native"},
		{kind: "desktop", uri: "https://app.example/", want: "web"},
		{kind: "browser", uri: "cursor://example/cb", want: "native"},
		{uri: "http://app.example/cb", want: "must be https"},
		{kind: "native", uri: "http://app.example/cb", want: "must be https"},
		{uri: "http://127.0.0.2/cb", want: "native"},
		{uri: "http://127.255.255.254:8123/cb", want: "native"},
		{uri: "http://[0:0:0:0:0:0:0:1]/cb", want: "native"},
		{uri: "http://app.localhost:3000/cb", want: "native"},
		{kind: "web", uri: "http://app.localhost:3000/cb", want: "web"},
		{uri: "http://app.localhost.example/cb", want: "must be https"},
		{uri: "http://0.0.0.0/cb", want: "must be https"},
		{uri: "http://127.1/cb", want: "write 127.0.0.1"},
		{uri: "http://[::ffff:127.0.0.1]/cb", want: "write 127.0.0.1"},
		{uri: "http://*.localhost/cb", want: "'*' in its host"},
		{uri: "http://localhost:*/cb", want: "'*' in its port"},
		{uri: "http://lab.example:8080/cb", want: "must be https"},
		{uri: "http://lab.example:8080/cb", options: lab, want: "web"},
		{uri: "http://LAB.example/cb", options: lab, want: "web"},
		{kind: "native", uri: "http://lab.example/cb", options: lab, want: "native"},
		{uri: "http://a.lab.example/cb", options: lab, want: "must be https"},
		{uri: "http://10.1.2.3/cb", options: lab, want: "web"},
		{uri: "http://11.1.2.3/cb", options: lab, want: "must be https"},
		{uri: "http://192.0.2.7/cb", options: lab, want: "web"},
		{uri: "http://[fd00:0:0::1]/cb", options: lab, want: "web"},
		{uri: "http://[fd01::1]/cb", options: lab, want: "must be https"},
		{kind: "web", uri: "http://lab.example/cb", want: "web",
			options: Options{RefuseWebLoopback: true, HTTPRedirectHosts: lab.HTTPRedirectHosts}},
		{kind: "web", uri: "http://localhost/cb", want: "not even on localhost",
			options: Options{RefuseWebLoopback: true, HTTPRedirectHosts: lab.HTTPRedirectHosts}},
		{uri: "http://localhost.app.example/cb", want: "must be https"},
		{uri: "http://[::1%25lo]/cb", want: "IPv6 zone"},
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
		{uri: "https://app.example:x/", want: "a port that is not a number"},
		{uri: "javascript:alert(1)", want: "scheme 'javascript'"},
		{uri: "JaVaScRiPt:alert(1)", want: "scheme 'javascript'"},
		{uri: "data:text/html,x", want: "scheme 'data'"},
		{uri: "vbscript:x", want: "scheme 'vbscript'"},
		{uri: "file:///etc/passwd", want: "scheme 'file'"},
		{uri: "blob:https://app.example/x", want: "scheme 'blob'"},
		{uri: "about:blank", want: "scheme 'about'"},
		{uri: "intent://app.example/#Intent;scheme=x;end", want: "scheme 'intent', which browsers or systems handle"},
		{uri: "MS-Settings:x", want: "scheme 'ms-settings', which browsers or systems handle"},
		{uri: "ftp://app.example/", want: "scheme 'ftp', which IANA registers for another use"},
		{uri: "urn:ietf:wg:oauth:2.0:oob", want: "use a loopback redirect"},
		{uri: "URN:ietf:wg:oauth:2.0:oob:auto", want: "use a loopback redirect"},
		{uri: "urn:ietf:params:oauth", want: "scheme 'urn', which IANA registers"},
		{uri: "localhost:3000/cb", want: "begin with http://"},
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
			if tt.want == applicationWeb || tt.want == applicationNative {
				t.Fatalf("got %v, want %s", err, tt.want)
			}
			wantRefusal(t, err, InvalidRedirectURI, tt.want)
			if !strings.Contains(err.Error(), "redirect_uris[1] ") {
				t.Errorf("%v does not name redirect_uris[1]", err)
			}
		})
	}
}

// Descriptions hold only the characters that RFC 6749 §5.2 allows.
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
		t.Errorf("my_code: got %s, want %s", got, InvalidClientMetadata)
	}
	for _, code := range []Code{InsufficientScope, InvalidToken} {
		if got := ParseCode(string(code)); got != code {
			t.Errorf("%s: got %s", code, got)
		}
	}
}

// FuzzRegister checks that no request panics or violates an invariant: the only errors are of type *Error. It also
// compares both ways to read a request.
func FuzzRegister(f *testing.F) {
	for _, body := range everyMember {
		f.Add([]byte(body))
	}
	f.Add([]byte(minimal))
	e := newEngine(f, Config{Options: Options{EchoExtensions: []string{"tier"},
		AllowedGrantTypes:    implicitAllowed.AllowedGrantTypes,
		AllowedResponseTypes: implicitAllowed.AllowedResponseTypes}})
	f.Fuzz(func(t *testing.T, body []byte) {
		checkPlain(t, body)
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
