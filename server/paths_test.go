package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts"
)

// spellings returns ways to percent-encode a path parameter, which all mean the same (RFC 3986 §2.1).
func spellings(value string) []string {
	return []string{url.PathEscape(value), strings.ReplaceAll(url.QueryEscape(value), "+", "%20"),
		everyByte(value, "%%%02X"), everyByte(value, "%%%02x")}
}

func everyByte(value, format string) string {
	var b strings.Builder
	for i := range len(value) {
		fmt.Fprintf(&b, format, value[i])
	}
	return b.String()
}

// Path parameters are percent-decoded exactly once, in every spelling.
func TestPathParameters(t *testing.T) {
	t.Run("modules", func(t *testing.T) {
		s := newSite(t, setup{})
		wasm := wasmtest.Wasm(t, "prefix-id")
		digest := scripts.Digest(wasm)
		for _, spelling := range append(spellings(digest), digest, strings.Replace(digest, ":", "%3A", 1),
			strings.Replace(digest, ":", "%3a", 1)) {
			path := "/admin/v1/modules/" + spelling
			if _, err := s.api().Upload(t.Context(), "ids", wasm, ""); err != nil {
				t.Fatal(err)
			}
			s.call("GET", path, "").want(http.StatusOK).wantMembers(map[string]any{"digest": digest})
			if got := s.call("GET", path+"/wasm", "").want(http.StatusOK).body; got != string(wasm) {
				t.Errorf("GET %s/wasm: got other bytes", path)
			}
			s.call("HEAD", path, "").want(http.StatusOK)
			s.call("DELETE", path, "").want(http.StatusNoContent)
			s.call("GET", path, "").want(http.StatusNotFound)
		}
		twice := "/admin/v1/modules/" + strings.Replace(digest, ":", "%253A", 1)
		if _, err := s.api().Upload(t.Context(), "ids", wasm, ""); err != nil {
			t.Fatal(err)
		}
		s.call("GET", twice, "").want(http.StatusNotFound)
		s.call("DELETE", twice, "").want(http.StatusNotFound)
	})
	t.Run("deployments", func(t *testing.T) {
		s := newSite(t, setup{})
		s.deploy()
		s.call("GET", "/admin/v1/deployments/1", "").want(http.StatusOK)
		for _, spelling := range []string{"%31", "%2531", "%201"} {
			want := http.StatusNotFound
			if spelling == "%31" {
				want = http.StatusOK
			}
			s.call("GET", "/admin/v1/deployments/"+spelling, "").want(want)
		}
	})
	t.Run("initial access tokens", func(t *testing.T) {
		s := newSite(t, setup{})
		for i := range spellings("") {
			id := s.call("POST", "/admin/v1/initial-access-tokens",
				`{"label":"a"}`).want(http.StatusCreated).json()["id"]
			s.call("DELETE", "/admin/v1/initial-access-tokens/"+spellings(id.(string))[i],
				"").want(http.StatusNoContent)
		}
	})
	databases(t, testClientIDSpellings)
}

func testClientIDSpellings(t *testing.T, database string) {
	s := newSite(t, setup{database: database})
	for n, id := range []string{"a/b", "a%2Fb", "%", "app+https://app.example/a?b#c", "~:@!$&'()*+,;=", "é/€/😀", "..x",
		"a b"} {
		c := &engine.Client{ID: id, IssuedAt: time.Now(),
			Metadata: engine.Metadata{GrantTypes: []string{"client_credentials"}},
			Caller:   engine.Caller{Auth: engine.AuthNone}}
		for i, spelling := range spellings(id) {
			c.RegistrationID[0], c.RegistrationID[1] = byte(n+1), byte(i+1)
			if err := s.store.AddClient(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			path := "/admin/v1/clients/" + spelling
			s.call("GET", path, "").want(http.StatusOK).wantMembers(map[string]any{"client_id": id})
			s.call("POST", path+"/rotate-secret", "").want(http.StatusConflict) // it has no secret
			s.call("POST", path+"/verify-secret", `{"client_secret":"a"}`).want(http.StatusOK)
			s.do("GET", s.public.URL+"/register/"+spelling, "").want(http.StatusUnauthorized)
			s.call("DELETE", path, "").want(http.StatusNoContent)
			s.call("GET", path, "").want(http.StatusNotFound)
		}
	}
	// What cannot be an ID is the ID of no client.
	for _, other := range []string{"%FF", "%00", "%C3", "%ED%A0%80", strings.Repeat("a", 5000)} {
		s.call("GET", "/admin/v1/clients/"+other, "").want(http.StatusNotFound)
		s.call("DELETE", "/admin/v1/clients/"+other, "").want(http.StatusNotFound)
		s.do("GET", s.public.URL+"/register/"+other, "", "Authorization: Bearer a").want(http.StatusUnauthorized)
		s.call("GET", "/admin/v1/modules/"+other, "").want(http.StatusNotFound)
		s.call("DELETE", "/admin/v1/initial-access-tokens/"+other, "").want(http.StatusNotFound)
	}
	o := s.own(`{` + web + `}`)
	for _, spelling := range spellings(o.id) {
		s.do("GET", s.public.URL+"/register/"+spelling, "", "Authorization: Bearer "+o.token).want(http.StatusOK)
	}
}

// The discovery document of an issuer whose path has characters that URLs encode is at the issuer's own URL.
func TestDiscoveryOfEncodedIssuers(t *testing.T) {
	for _, path := range []string{"/tenant%20a", "/t%C3%A9nant", "/a%2Fb", "/a:b", "/~a"} {
		issuer := "https://auth.example" + path
		s := newSite(t, advertising(t, issuer, `{"issuer":"`+issuer+`"}`, setup{}))
		for _, url := range []string{"/.well-known/oauth-authorization-server" + path,
			"/.well-known/openid-configuration" + path, path + "/.well-known/openid-configuration"} {
			s.do("GET", s.public.URL+url, "").want(http.StatusOK).wantMembers(map[string]any{"issuer": issuer})
		}
	}
}
