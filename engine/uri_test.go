package engine

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"registrar/internal/netrule"
)

func TestURIs(t *testing.T) {
	name63 := strings.Repeat("a", 63)
	name253 := strings.Repeat(name63+".", 3) + strings.Repeat("a", 61)
	for _, tt := range []struct {
		uri  string
		want string // a part of the problem; "" means that the URI is valid
	}{
		{"https://app.example/a:b@c/(d);e=f,g!$&'*+~?h=/?i", ""},
		{"https://app.example?q", ""},
		{"https://app.example:/", ""},
		{"https://my_app.example/", ""},
		{"https://" + name253 + "/", ""},
		{"https://a" + name253 + "/", "more than 253 characters"},
		{"https://a" + name63 + ".example/", "a label of more than 63 characters"},
		{"https://xn--mnchen-3ya.example/", ""},
		{"https://XN--MNCHEN-3YA.example/", ""},
		{"https://r3---sn-apo3qvuoxuxbt-j5pe.example/", ""},
		{"https://xn--app-.example/", "begins or ends with a hyphen"},
		{"https://xn--7ba.example/", "not valid punycode"},
		{"https://xn--a.example/", "not valid punycode"},
		{"https://xn--.example/", "begins or ends with a hyphen"},
		{"https://xn--0.example/", "not valid punycode"},
		{"https://münchen.example/", "use punycode, which is xn--mnchen-3ya.example"},
		{"https://MÜNCHEN.example:8443/", "use punycode, which is xn--mnchen-3ya.example"},
		{"https://１２７.0.0.1/", "use punycode, which is 127.0.0.1"},
		{"https://\u00ad/", "has a host outside ASCII"},
		{"https://ä" + name253 + "/", "has a host outside ASCII: use punycode"},
		{"https://ä*.example/", "has a host outside ASCII: use punycode"},
		{"https://app.example/ä", "a character outside ASCII at byte 20"},
		{"https://ä@app.example/", "a character outside ASCII at byte 8"},
		{"https://app.example:ä/", "a character outside ASCII at byte 20"},
		{"https://app.example/[x]", "holds '[' at byte 20"},
		{"https://app.example/?a[]=b", "holds '[' at byte 22"},
		{"https://app.example/]", "holds ']' at byte 20"},
		{"app:[x]", "holds '[' at byte 4"},
		{"https://a[b]/", "has brackets in its host"},
		{"https://[b]/", "no IPv6 address between the brackets"},
		{"https://[::1/", "no IPv6 address between the brackets"},
		{"https://[::1]x/", "no IPv6 address between the brackets"},
		{"https://[v1.a]/", "no IPv6 address between the brackets"},
		{"https://[]/", "no IPv6 address between the brackets"},
		{"https://[2001:db8::1]:8443/", ""},
		{"https://[2001:DB8:0:0:0:0:0:1]/", ""},
		{"https://[fe80::1%25eth0]/", "IPv6 zone"},
		{"https://[::ffff:127.0.0.1]/", "write 127.0.0.1"},
		{"https://[::ffff:7f00:1]/", "write 127.0.0.1"},
		{"https://[127.0.0.1]/", "write 127.0.0.1"},
		{"https://192.0.2.1/", ""},
		{"https://127.1/", "write 127.0.0.1"},
		{"https://0x7f.1/", "write 127.0.0.1"},
		{"https://0X7F000001/", "write 127.0.0.1"},
		{"https://2130706433/", "write 127.0.0.1"},
		{"https://0177.0.0.1/", "write 127.0.0.1"},
		{"https://017700000001/", "write 127.0.0.1"},
		{"https://127.0.0.1./", "write 127.0.0.1"},
		{"https://127.0.0.01/", "write 127.0.0.1"},
		{"https://1.2.3/", "write 1.2.0.3"},
		{"https://0x/", "write 0.0.0.0"},
		{"https://1.2.3.256/", "no IPv4 address"},
		{"https://1.2.3.4.5/", "no IPv4 address"},
		{"https://4294967296/", "no IPv4 address"},
		{"https://256.1/", "no IPv4 address"},
		{"https://1..2/", "no IPv4 address"},
		{"https://08.1/", "no IPv4 address"},
		{"https://app.1/", "no IPv4 address"},
		{"https://app.0x1f/", "no IPv4 address"},
		{"https://1.2.3.4a/", ""},
		{"com.example.app://127.1/", "write 127.0.0.1"},
		{"https://*/", "'*' in its host"},
		{"https://*.app.example/", "'*' in its host"},
		{"https://app.example:*/", "'*' in its port"},
		{"http://localhost:*/cb", "'*' in its port"},
		{"myapp://*/cb", "'*' in its host"},
		{"https://app.example/*", ""},
		{"https://%61pp.example/", "percent sign in its host"},
		{"https://app.example./", "a dot at the end of its host"},
		{"https://localhost./", "a dot at the end of its host"},
		{"https://app..example/", "an empty label"},
		{"https://.app.example/", "an empty label"},
		{"https://./", "an empty label"},
		{"https://-app.example/", "begins or ends with a hyphen"},
		{"https://app-.example/", "begins or ends with a hyphen"},
		{"https://app!.example/", "has '!' in its host"},
		{"https://app.example,evil.example/", "has ',' in its host"},
		{"https://app.example:8x/", "a port that is not a number"},
		{"https://app.example:1:2/", "a port that is not a number"},
		{"https://app.example:65536/", "a port above 65535"},
		{"https://@app.example/", "user information"},
		{"https://app.example@/", "user information"},
		{"myapp://user@host/", "user information"},
		{"myapp:", ""},
		{"myapp:///cb", ""},
		{"myapp://:80/cb", "has no host"},
		{"myapp://oauth_callback;x/cb", ""},
		{"https:app.example", "has no host"},
		{"https:/app.example", "has no host"},
		{"https:", "has no host"},
		{":cb", "is relative"},
		{"1app:cb", "is relative"},
		{"a_b:cb", "is relative"},
		{"", "is relative"},
	} {
		_, got := redirectURI.read(tt.uri)
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.uri, got, tt.want)
		}
		if strings.HasPrefix(tt.uri, "https:") {
			if _, page := webPage.read(tt.uri); page != got {
				t.Errorf("%q: as a page %q, as a redirect URI %q", tt.uri, page, got)
			}
		}
	}
}

func TestSecondNumberSignIsNoFragment(t *testing.T) {
	if _, got := requestURI.read("https://app.example/r#a#b"); !strings.Contains(got, "holds '#' at byte 23") {
		t.Errorf("got %q", got)
	}
}

func TestSchemes(t *testing.T) {
	for _, scheme := range []string{"http", "https", "vscode", "vscode-insiders", "cursor", "com.example.app", "claude",
		"zed", "windsurf", "jetbrains", "warp", "myapp", "msauth", "msauth.com.example.app",
		"msal00000000-0000-0000-0000-000000000000",
		"app.example", "x-app", "web", "ext", "exp", "spiffe", "feedly", "intents"} {
		if got := redirectURI.schemeProblem(scheme, scheme+":x"); got != "" {
			t.Errorf("%s: got %q, want it to be allowed", scheme, got)
		}
	}
	for scheme, want := range map[string]string{
		"javascript": "never safe", "data": "never safe", "vbscript": "never safe", "file": "never safe",
		"blob": "never safe", "about": "never safe", "filesystem": "never safe", "view-source": "never safe",
		"jar": "never safe", "mhtml": "never safe",
		"intent": "browsers or systems", "feed": "browsers or systems", "android-app": "browsers or systems",
		"market": "browsers or systems", "content": "browsers or systems", "ms-settings": "browsers or systems",
		"ms-app": "browsers or systems", "ms-appx-web": "browsers or systems", "search-ms": "browsers or systems",
		"microsoft-edge": "browsers or systems", "chrome-extension": "browsers or systems",
		"moz-extension": "browsers or systems", "itms-services": "browsers or systems",
		"x-apple.systempreferences": "browsers or systems", "web+app": "browsers or systems",
		"ftp": "IANA", "ldap": "IANA", "ws": "IANA", "wss": "IANA", "mailto": "IANA", "tel": "IANA", "sms": "IANA",
		"urn": "IANA", "iris.beep": "IANA", "z39.50s": "IANA", "coap+tcp": "IANA",
		"localhost": "begin with http://",
	} {
		if got := redirectURI.schemeProblem(scheme, scheme+":x"); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", scheme, got, want)
		}
	}
}

func TestListsOfSchemesAreSorted(t *testing.T) {
	for _, list := range [][]string{handledSchemes[:], permanentSchemes[:]} {
		if !slices.IsSorted(list) {
			t.Errorf("%v is not sorted", list)
		}
		for i, scheme := range list {
			if schemeOf(scheme+":") != strings.ToLower(scheme) || i > 0 && list[i-1] == scheme {
				t.Errorf("%q is no scheme, not in lower case, or listed twice", scheme)
			}
		}
	}
	for _, scheme := range handledSchemes {
		if listed(permanentSchemes[:], scheme) || slices.Contains(unsafeSchemes[:], scheme) {
			t.Errorf("%s is in two lists", scheme)
		}
	}
}

// uriGrammar is RFC 3986 appendix A, without user information, fragment, IPvFuture and percent signs in hosts. Its
// groups are scheme, host and port.
var uriGrammar = regexp.MustCompile(strings.ReplaceAll(
	`^([A-Za-z][A-Za-z0-9+.-]*):(?://([A-Za-z0-9._~!$&'()+,;=-]*|\[[0-9A-Fa-f:.]+\])(?::([0-9]*))?(?:/PCHAR*)*`+
		`|/(?:PCHAR+(?:/PCHAR*)*)?|PCHAR+(?:/PCHAR*)*|)(?:\?(?:PCHAR|[/?])*)?$`,
	"PCHAR", `(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})`))

var localhostName = regexp.MustCompile(`(?i)^(.+\.)?localhost$`)

// FuzzURI checks that every URI that is accepted follows the grammar of RFC 3986, means the same to net/url, and is on
// loopback if net/netip says so.
func FuzzURI(f *testing.F) {
	for _, uri := range []string{
		"https://app.example:8443/a/b;c?d=e&f=%20", "http://127.0.0.1:80/cb", "http://[0:0:0:0:0:0:0:1]:1/",
		"http://[::ffff:127.0.0.1]/", "http://[::1%25lo]/", "http://127.1/", "http://0x7f.0.0.1",
		"http://017700000001/",
		"http://a.localhost/", "http://LOCALHOST", "https://xn--mnchen-3ya.example/", "https://XN--4CA/",
		"https://xn--7ba.xn--a.xn--4ca860n.example/", "https://*.app.example/",
		"https://a@b@c/", "https://a:b:c/", "https://[::1]a:1/", "https://app.example./", "com.example.app:/cb",
		"myapp://host;x/y", "myapp:a/b", "urn:ietf:wg:oauth:2.0:oob", "ms-app://s-1/", "https://app.example/[x]",
		"https://app.example\\@b/", "https://%31.example/", "https:////", "a://?", "a:?b", "a:/", "a://:1",
	} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if u, problem := widest.read(s); problem == "" { // with fragments, and without a rule for schemes
			again, err := url.Parse(s)
			if err != nil || u != (uri{again.Scheme, again.Hostname(), again.Port(), s}) {
				t.Fatalf("%q: got %+v, net/url reads %+v, %v", s, u, again, err)
			}
		}
		u, problem := redirectURI.read(s)
		if problem != "" {
			return
		}
		parts := uriGrammar.FindStringSubmatch(s)
		if parts == nil {
			t.Fatalf("%q is accepted, but no URI", s)
		}
		scheme, host, port := strings.ToLower(parts[1]), strings.Trim(parts[2], "[]"), parts[3]
		again, err := url.Parse(s)
		if err != nil || u != (uri{scheme, host, port, s}) || again.Scheme != scheme || again.Hostname() != host ||
			again.Port() != port || again.User != nil {
			t.Fatalf("%q: net/url reads %+v, %v; the grammar %q", s, again, err, parts)
		}
		for _, refused := range []string{"javascript", "data", "file", "intent", "ms-app", "ftp", "urn", "ws"} {
			if scheme == refused {
				t.Errorf("%q is accepted", s)
			}
		}
		if (scheme == "http" || scheme == "https") && host == "" {
			t.Errorf("%q has no host", s)
		}
		addr, err := netip.ParseAddr(host)
		last := host[strings.LastIndexByte(host, '.')+1:]
		switch isAddress := err == nil; {
		case isAddress && (addr.Is4In6() || addr.Zone() != "" || addr.IsLoopback() != netrule.IsLoopback(host)):
			t.Errorf("%q is at %s", s, addr)
		case !isAddress && last != "" && strings.Trim(last, "0123456789") == "":
			t.Errorf("%q is at an address that is misspelt", s)
		case !isAddress && netrule.IsLoopback(host) != localhostName.MatchString(host):
			t.Errorf("%q is on loopback: %v", s, netrule.IsLoopback(host))
		}
	})
}
