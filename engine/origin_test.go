package engine

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestOrigins(t *testing.T) {
	for _, tt := range []struct{ sent, want, problem string }{
		{"https://app.example", "https://app.example", ""},
		{"http://app.example:8080", "http://app.example:8080", ""},
		{"HTTPS://App.Example", "https://app.example", ""},
		{"https://app.example:443", "https://app.example", ""},
		{"https://app.example:0443", "https://app.example", ""},
		{"https://app.example:", "https://app.example", ""},
		{"http://app.example:80", "http://app.example", ""},
		{"http://app.example:443", "http://app.example:443", ""},
		{"https://[2001:DB8:0:0::1]:8443", "https://[2001:db8::1]:8443", ""},
		{"http://[0:0:0:0:0:0:0:1]", "http://[::1]", ""},
		{"https://xn--mnchen-3ya.example", "https://xn--mnchen-3ya.example", ""},
		{"https://münchen.example", "", "use punycode, which is xn--mnchen-3ya.example"},
		{"*", "", "must be an origin: only scheme, host and port, such as https://app.example, not *"},
		{"null", "", "not null"},
		{"https://*", "", "'*' in its host"},
		{"https://*.app.example", "", "'*' in its host"},
		{"https://app.example:*", "", "'*' in its port"},
		{`https://"><x>`, "", "a quotation mark in its host"},
		{"https://a b", "", "a space in its host"},
		{"https://app.example:99999", "", "a port above 65535"},
		{"https://app.example:x", "", "a port that is not a number"},
		{"https://app.example/", "", "without anything after the port"},
		{"https://app.example?q", "", "without anything after the port"},
		{"https://app.example#f", "", "without anything after the port"},
		{"https://user@app.example", "", "user information"},
		{"https://app.example.", "", "a dot at the end"},
		{"https://127.1", "", "write 127.0.0.1"},
		{"https://", "", "must be an origin"},
		{"https:app.example", "", "must be an origin"},
		{"//app.example", "", "must be an origin"},
		{"app.example", "", "must be an origin"},
		{"ftp://app.example", "", "must be an origin"},
		{"chrome-extension://abc", "", "must be an origin"},
		{"https://:443", "", "has no host"},
		{" https://app.example", "", "must be an origin"},
	} {
		got, problem := readOrigin(tt.sent)
		if got != tt.want || !strings.Contains(problem, tt.problem) || (problem == "") != (tt.problem == "") {
			t.Errorf("%q: got %q and %q, want %q and %q", tt.sent, got, problem, tt.want, tt.problem)
		}
	}
}

// FuzzOrigin checks that an origin that is accepted is the one that browsers serialize for its URL.
func FuzzOrigin(f *testing.F) {
	for _, origin := range []string{"https://app.example", "HTTP://App.Example:080", "https://[2001:DB8::0:1]:443",
		"https://*", `https://"><x>`, "https://app.example:99999", "https://münchen.example", "https://127.1", "null",
		"https://a@b", "https://a:b:c", "https://[::ffff:1.2.3.4]", "https://xn--a", "http://[::]:00080"} {
		f.Add(origin)
	}
	f.Fuzz(func(t *testing.T, s string) {
		origin, problem := readOrigin(s)
		if problem != "" {
			return
		}
		if again, problem := readOrigin(origin); again != origin || problem != "" {
			t.Fatalf("%q is written as %q, and that as %q, %q", s, origin, again, problem)
		}
		sent, err := url.Parse(s)
		if err != nil {
			t.Fatalf("%q is accepted: %v", s, err)
		}
		host, port := strings.ToLower(sent.Hostname()), strings.TrimLeft(sent.Port(), "0")
		if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
			host = "[" + addr.String() + "]"
		}
		want := sent.Scheme + "://" + host
		if sent.Port() != "" && port == "" {
			port = "0"
		}
		if port != "" && port != map[string]string{"http": "80", "https": "443"}[sent.Scheme] {
			want += ":" + port
		}
		if origin != want || strings.ContainsAny(origin, "*@\"<> ") || origin != strings.ToLower(origin) {
			t.Errorf("%q is written as %q, want %q", s, origin, want)
		}
	})
}
