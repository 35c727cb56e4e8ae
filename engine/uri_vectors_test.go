package engine

import (
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"registrar/sdk/go/registrar"
)

// A named URI with a fragment is the widest of the rules.
var widest = uriRule{code: InvalidClientMetadata, named: true, fragment: true}

// The server and the SDKs refuse the same texts, but for what the README of the vectors names.
func TestURIVectors(t *testing.T) {
	b, err := os.ReadFile("../testdata/vectors/uris.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		URI, Parts string
		Server     *bool
	}
	if err := json.Unmarshal(b, &vectors, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		_, problem := widest.read(v.URI)
		if want := v.Parts != "" && (v.Server == nil || *v.Server); (problem == "") != want {
			t.Errorf("%q: accepted is %t, want %t: %s", v.URI, !want, want, problem)
		}
	}
	if len(vectors) < 200 {
		t.Errorf("%d vectors", len(vectors))
	}
}

// FuzzURIOfScripts checks that the SDK reads every URI that the server accepts, as net/url does.
func FuzzURIOfScripts(f *testing.F) {
	for _, uri := range []string{"https://app.example:8443/a?b#c", "http://[0:0:1::192.0.2.1]:/", "a+b:c", "app://:/?#",
		"app:"} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, problem := widest.read(s)
		got, ok := registrar.ParseURI(s)
		if problem != "" {
			return
		}
		if !ok {
			t.Fatalf("%q: the server accepts what the SDK refuses", s)
		}
		u, err := url.Parse(s)
		if err != nil {
			t.Fatalf("%q: the server accepts what net/url refuses: %v", s, err)
		}
		port, err := strconv.Atoi(u.Port())
		if err != nil {
			port = -1
		}
		path := u.EscapedPath() + u.Opaque
		want := registrar.URI{Scheme: u.Scheme, Host: strings.ToLower(u.Hostname()), Port: port, Path: path,
			Query: u.RawQuery, Fragment: got.Fragment, HasQuery: u.ForceQuery || u.RawQuery != "",
			HasFragment: got.HasFragment}
		if strings.Contains(want.Host, ":") {
			want.Host = netip.MustParseAddr(want.Host).String()
		}
		_, fragment, has := strings.Cut(s, "#")
		if got != want || got.Fragment != fragment || got.HasFragment != has {
			t.Fatalf("%q: got %+v, want %+v", s, got, want)
		}
	})
}
