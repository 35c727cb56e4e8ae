package engine

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// FuzzRedirectURIs checks that a redirect URI is either refused with an *Error, or safe and stored byte for byte.
func FuzzRedirectURIs(f *testing.F) {
	for _, uri := range []string{
		"https://app.example/cb", "http://127.0.0.1:3000/cb", "http://[::1]/", "http://localhost",
		"com.example.app:/cb", "cursor://x/y", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x",
		"https://user@app.example/", "https://app.example/#f", "https://app.example\\@evil.example/",
		"//app.example/cb", "https:app.example", "https://app.example/\x00", "https://ä.example/",
		"https://app.example/a b", " https://app.example/", "https://app.example:99999/", "https://[::1%25en0]/",
		"http://127.0.0.1.evil.example/", "http://127.1/", "http://[::ffff:127.0.0.1]/", "http://a.localhost/",
		"http://[0:0:0:0:0:0:0:1]/", "intent://x", "ms-settings:x", "urn:ietf:wg:oauth:2.0:oob",
	} {
		f.Add(uri, "web")
		f.Add(uri, "native")
		f.Add(uri, "")
	}
	e := newEngine(f, Config{})
	f.Fuzz(func(t *testing.T, uri, applicationType string) {
		body, err := json.Marshal(map[string]any{"redirect_uris": []string{uri}, "application_type": applicationType})
		if err != nil {
			return // uri is not valid UTF-8
		}
		request, err := ParseRequest(body)
		var r *Registration
		if err == nil {
			r, err = e.Register(t.Context(), request, &Caller{Auth: AuthNone})
		}
		if err != nil {
			if _, refused := errors.AsType[*Error](err); !refused {
				t.Errorf("%q: %v", uri, err)
			}
			return
		}
		if got := r.Client.Metadata.RedirectURIs; !slices.Equal(got, []string{uri}) {
			t.Fatalf("%q is stored as %q", uri, got)
		}
		u, err := url.Parse(uri)
		if err != nil || u.Scheme == "" || u.User != nil || strings.ContainsAny(uri, "#\\ \t\r\n\x00") {
			t.Errorf("%q is registered: %+v, %v", uri, u, err)
		}
		unsafe := []string{"javascript", "data", "vbscript", "file", "blob", "about", "intent", "ftp", "urn",
			"ms-settings"}
		if slices.Contains(unsafe, strings.ToLower(u.Scheme)) {
			t.Errorf("%q is registered", uri)
		}
		addr, err := netip.ParseAddr(u.Hostname())
		if u.Scheme == "http" && (err != nil || !addr.IsLoopback()) && !localhostName.MatchString(u.Hostname()) {
			t.Errorf("%q is registered, without TLS", uri)
		}
	})
}

// The invariants check redirect URIs that a step changed after they were checked, in the list or in place of it.
func TestChangedRedirectURIsAreCheckedAgain(t *testing.T) {
	for _, change := range []func(list []string) []string{
		func(list []string) []string { list[1] = "http://app.example/two"; return list },
		func(list []string) []string { return append(list, "https://app.example/#fragment") },
		func(list []string) []string { return []string{list[0], "javascript:alert(1)"} },
		func(list []string) []string { return []string{"https://app.example/%zz"} },
	} {
		e := newEngine(t, Config{Store: discard{}, Overrides: override(func(_ *Registration, s *Steps) {
			base := s.SetIDTokenProperties
			s.SetIDTokenProperties = func(ctx context.Context, r *Registration) error {
				m := &r.Client.Metadata
				m.RedirectURIs = change(m.RedirectURIs)
				return base(ctx, r)
			}
		})})
		request, err := ParseRequest([]byte(`{"redirect_uris":["https://app.example/one","https://app.example/two"]}`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Register(t.Context(), request, &Caller{Auth: AuthNone})
		breach, broken := errors.AsType[*InvariantError](err)
		if !broken || !strings.Contains(breach.Rule, "redirect_uris[") {
			t.Errorf("got %v, want an InvariantError about redirect_uris", err)
		}
	}
}
