package server_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/internal/fetch"
	"registrar/server"
)

// A changingHost serves one document, which tests change.
type changingHost struct {
	*webHost
	url    string        // of the document
	answer atomic.Value  // func(http.ResponseWriter, *http.Request)
	now    atomic.Int64  // added to the clock of the server, in nanoseconds
	stale  time.Duration // as server.Config.DocumentStale
}

func newChangingHost(t *testing.T) *changingHost {
	h := &changingHost{webHost: newWebHost(t)}
	h.url = h.URL + "/client.json"
	h.mux.HandleFunc("/client.json", func(w http.ResponseWriter, r *http.Request) {
		h.answer.Load().(func(http.ResponseWriter, *http.Request))(w, r)
	})
	h.says(`"client_name":"App"`, "max-age=60")
	return h
}

// says changes the document, and how long it is fresh.
func (h *changingHost) says(members, cache string) {
	h.gives(http.StatusOK, cache, `{"client_id":"`+h.url+`",`+web+`,`+members+`}`)
}

// gives changes what the host answers.
func (h *changingHost) gives(status int, cache, body string) {
	h.answer.Store(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", cache)
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

// clock is the server's clock.
func (h *changingHost) clock() time.Time { return time.Now().Add(time.Duration(h.now.Load())) }

func (h *changingHost) resolving() setup {
	config := h.fetching()
	config.MinFresh, config.Now = 0, h.clock
	return setup{server: server.Config{FetchDocument: fetch.New(config).Get, Now: h.clock, DocumentStale: h.stale}}
}

// fetches returns how often f has the host asked.
func (h *changingHost) fetches(f func()) int64 {
	before := h.asked.Load()
	f()
	return h.asked.Load() - before
}

// path returns the path of a client in the admin API.
func clientPath(id, more string) string { return "/admin/v1/clients/" + url.PathEscape(id) + more }

// documentPath returns a path with the URL of a document in its query.
func documentPath(what, id string) string {
	return "/admin/v1/metadata-documents" + what + "?url=" + url.QueryEscape(id)
}

// A client of a document is stored, shared by servers, listed, filtered, seen and deleted as others are.
func testDocumentClients(t *testing.T, site siteFunc) {
	host := newChangingHost(t)
	s := site(host.resolving())
	id := s.registered(`{` + web + `,"client_name":"Registered"}`)["client_id"].(string)
	want := map[string]any{"client_id": host.url, "kind": "document", "status": "active", "has_secret": false,
		"deployment": 0, "acts": []any{}, "seen_at": nil}
	fetched := host.fetches(func() {
		for _, path := range []string{clientPath(host.url, ""), "/admin/v1/clients?client_id=" + url.QueryEscape(host.url),
			clientPath(host.url, "?status=any"), documentPath("", host.url)} {
			e := s.call("GET", path, "").want(http.StatusOK)
			if path == documentPath("", host.url) {
				continue
			}
			e.wantMembers(want)
			checkMembers(t, e.json()["metadata"].(map[string]any), map[string]any{"client_name": "App"})
			checkMembers(t, e.json()["document"].(map[string]any), map[string]any{"kept": true, "stale": nil})
		}
	})
	if fetched != 1 {
		t.Errorf("the document was fetched %d times, want once", fetched)
	}
	other := host.resolving()
	other.database = s.database
	replica := newSite(t, other)
	if n := host.fetches(func() { replica.resolve(host.url).want(http.StatusOK) }); n != 0 {
		t.Errorf("another server fetched the stored document %d times", n)
	}
	for query, clients := range map[string][]string{
		"": {id, host.url}, "kind=document": {host.url}, "kind=registered": {id}, "name=app": {host.url},
		"q=" + url.QueryEscape(host.URL): {host.url}, "limit=1": {id}, "status=disabled": {},
	} {
		got := []string{}
		for _, c := range s.call("GET", "/admin/v1/clients?"+query, "").want(http.StatusOK).json()["clients"].([]any) {
			got = append(got, c.(map[string]any)["client_id"].(string))
		}
		if diff := cmp.Diff(clients, got); diff != "" {
			t.Errorf("clients of %q, want (-) and got (+):\n%s", query, diff)
		}
	}
	s.call("GET", "/admin/v1/clients?kind=other", "").want(http.StatusBadRequest)
	s.call("POST", "/admin/v1/clients/seen", `{"client_ids":["`+host.url+`"]}`).want(http.StatusNoContent)
	if seen := s.call("GET", clientPath(host.url, ""), "").want(http.StatusOK).json()["seen_at"]; seen == nil {
		t.Error("the client is not marked as seen")
	}
	s.call("POST", clientPath(host.url, "/verify-secret"), `{"client_secret":"x"}`).
		wantMembers(map[string]any{"valid": false})
	s.call("PUT", clientPath(host.url, ""), `{`+web+`}`).want(http.StatusConflict)
	s.call("PATCH", clientPath(host.url, ""), `{"client_name":"x"}`, "Content-Type: application/merge-patch+json").
		want(http.StatusConflict)
	s.call("POST", clientPath(host.url, "/reissue-token"), "").want(http.StatusConflict)
	s.call("POST", clientPath(host.url, "/rotate-secret"), "{}").want(http.StatusConflict)
	s.call("DELETE", clientPath(host.url, ""), "").want(http.StatusNoContent)
	s.call("DELETE", clientPath(host.url, ""), "").want(http.StatusNotFound)
	if n := host.fetches(func() { s.resolve(host.url).want(http.StatusOK) }); n != 1 {
		t.Errorf("after it was deleted, the document was fetched %d times, want once", n)
	}
	off := setup{database: s.database}
	none := newSite(t, off)
	none.call("GET", clientPath(host.url, ""), "").want(http.StatusNotFound)
	none.call("GET", clientPath(host.url, "?status=any"), "").want(http.StatusOK)
}

// A disabled document is no client for look-ups, and is not fetched.
func testDocumentStatus(t *testing.T, site siteFunc) {
	host := newChangingHost(t)
	s := site(host.resolving())
	s.call("POST", clientPath(host.url, "/disable"), "").want(http.StatusNotFound)
	s.resolve(host.url).want(http.StatusOK)
	s.call("POST", clientPath(host.url, "/disable"), `{"reason":"abuse"}`).want(http.StatusOK).
		wantMembers(map[string]any{"status": "disabled", "kind": "document"})
	host.now.Add(int64(time.Hour)) // the document is not fresh
	if n := host.fetches(func() {
		s.resolve(host.url).want(http.StatusNotFound)
		s.call("GET", clientPath(host.url, ""), "").want(http.StatusNotFound)
		s.call("GET", clientPath(host.url, "?status=any"), "").want(http.StatusOK)
		s.call("GET", clientPath(host.url, "?status=disabled"), "").want(http.StatusOK)
		s.call("POST", documentPath("/refresh", host.url), "").want(http.StatusConflict)
	}); n != 0 {
		t.Errorf("a disabled client's document was fetched %d times", n)
	}
	s.call("POST", clientPath(host.url, "/enable"), "").want(http.StatusOK)
	if n := host.fetches(func() { s.resolve(host.url).want(http.StatusOK) }); n != 1 {
		t.Errorf("once enabled, the document was fetched %d times, want once", n)
	}
	acts := s.call("GET", clientPath(host.url, ""), "").want(http.StatusOK).json()["admin_acts"].([]any)
	if len(acts) != 2 || acts[0].(map[string]any)["reason"] != "abuse" {
		t.Errorf("got the acts %v, want disabled and enabled", acts)
	}
	s.call("GET", clientPath(host.url, "?status=disabled"), "").want(http.StatusNotFound)
}

// Of a document that is no-store, the row stays; so it does of one that is refused later.
func testDocumentNoStore(t *testing.T, site siteFunc) {
	host := newChangingHost(t)
	host.says(`"client_name":"Unkept"`, "no-store")
	s := site(host.resolving())
	if n := host.fetches(func() {
		for range 2 {
			checkMembers(t, s.metadataOf(host.url), map[string]any{"client_name": "Unkept"})
		}
	}); n != 2 {
		t.Errorf("a no-store document was fetched %d times, want twice", n)
	}
	kept := func() (document map[string]any) {
		t.Helper()
		list := s.call("GET", "/admin/v1/clients?kind=document", "").want(http.StatusOK).json()["clients"].([]any)
		if len(list) != 1 {
			t.Fatalf("got %v, want one client", list)
		}
		client := list[0].(map[string]any)
		checkMembers(t, client["metadata"].(map[string]any), map[string]any{"client_name": nil, "redirect_uris": []any{}})
		document = client["document"].(map[string]any)
		checkMembers(t, document, map[string]any{"kept": false, "fresh_until": nil})
		return document
	}
	if digest, _ := kept()["digest"].(string); !strings.HasPrefix(digest, "sha256:") {
		t.Errorf("the digest is %q", digest)
	}
	host.says(`"client_name":"Kept"`, "max-age=60")
	s.resolve(host.url).want(http.StatusOK)
	host.now.Add(int64(time.Hour))
	host.says(`"client_secret":"x"`, "max-age=60")
	s.refusesDocument(host.url, "client_secret")
	kept()
	host.says(`"client_name":"Good"`, "max-age=60") // counts at once
	checkMembers(t, s.metadataOf(host.url), map[string]any{"client_name": "Good"})
}

// A stored document runs through the policy in force when another is deployed, without being fetched.
func testDocumentPolicy(t *testing.T, site siteFunc) {
	host := newChangingHost(t)
	s := site(host.resolving())
	s.resolve(host.url).want(http.StatusOK).wantMembers(map[string]any{"deployment": 0})
	s.deploy("default-scopes")
	if n := host.fetches(func() {
		for range 2 {
			e := s.resolve(host.url).want(http.StatusOK).wantMembers(map[string]any{"deployment": 1})
			if len(e.json()["acts"].([]any)) == 0 {
				t.Errorf("got %s, want an act of the script", e.body)
			}
		}
	}); n != 0 {
		t.Errorf("the document was fetched %d times", n)
	}
}

// The last good copy serves while the host is down or refuses servers, for a set time, and is marked.
func testDocumentStale(t *testing.T, site siteFunc) {
	host := newChangingHost(t)
	host.stale = 24 * time.Hour
	s := site(host.resolving())
	unset := newChangingHost(t)
	none := site(unset.resolving())
	s.resolve(host.url).want(http.StatusOK).wantMembers(map[string]any{"stale": nil})
	none.resolve(unset.url).want(http.StatusOK)
	for _, h := range []*changingHost{host, unset} {
		h.now.Add(int64(time.Hour))
		h.gives(http.StatusForbidden, "max-age=60", "{}")
	}
	none.refusesDocument(unset.url, "status 403")
	stale := map[string]any{"stale": true, "failure": map[string]any{"code": "status", "status": 403.0, "family": "ipv4"}}
	for range 2 { // each look-up tries to fetch
		if n := host.fetches(func() { s.resolve(host.url).want(http.StatusOK).wantMembers(stale) }); n != 1 {
			t.Errorf("the document was fetched %d times, want once", n)
		}
	}
	client := s.call("GET", clientPath(host.url, ""), "").want(http.StatusOK).json()
	checkMembers(t, client["document"].(map[string]any), stale)
	s.call("POST", documentPath("/refresh", host.url), "").want(http.StatusUnprocessableEntity)
	s.resolve(host.url).want(http.StatusOK).wantMembers(stale)

	host.says(`"client_name":"Back"`, "max-age=60")
	s.resolve(host.url).want(http.StatusOK).wantMembers(map[string]any{"stale": nil})
	host.now.Add(int64(25 * time.Hour))
	host.gives(http.StatusServiceUnavailable, "", "")
	s.refusesDocument(host.url, "status 503")

	// A document that is not valid, or that the host does not have, ends the copy.
	for _, end := range []func(){func() { host.says(`"logo_uri":"javascript:x"`, "") },
		func() { host.gives(http.StatusNotFound, "", "{}") }} {
		host.says(`"client_name":"Good"`, "max-age=60")
		s.resolve(host.url).want(http.StatusOK)
		host.now.Add(int64(time.Hour))
		end()
		s.resolve(host.url).want(http.StatusUnprocessableEntity)
		host.gives(http.StatusForbidden, "", "{}")
		s.refusesDocument(host.url, "status 403")
	}
}

// A pinned document is in force with its host down, until it is unpinned.
func testDocumentPins(t *testing.T, site siteFunc) {
	host := newChangingHost(t)
	s := site(host.resolving())
	pin := func(members string) *exchange {
		return s.call("PUT", documentPath("/pin", host.url)+"&reason=outage",
			`{"client_id":"`+host.url+`",`+web+`,`+members+`}`)
	}
	s.call("DELETE", documentPath("/pin", host.url), "").want(http.StatusNotFound)
	if n := host.fetches(func() {
		pin(`"client_secret":"x"`).want(http.StatusUnprocessableEntity)
		s.call("PUT", documentPath("/pin", host.url), `{"client_id":"https://app.example/other",`+web+`}`).
			want(http.StatusUnprocessableEntity)
		pin(`"client_name":"Pinned"`).want(http.StatusOK).wantMembers(map[string]any{"kind": "document"})
		host.now.Add(int64(1000 * time.Hour))
		s.resolve(host.url).want(http.StatusOK).wantMembers(map[string]any{"expires_at": nil})
		checkMembers(t, s.metadataOf(host.url), map[string]any{"client_name": "Pinned"})
		s.call("POST", documentPath("/refresh", host.url), "").want(http.StatusConflict)
		pin(`"client_name":"Again"`).want(http.StatusOK)
		checkMembers(t, s.metadataOf(host.url), map[string]any{"client_name": "Again"})
	}); n != 0 {
		t.Errorf("a pinned document was fetched %d times", n)
	}
	client := s.call("GET", clientPath(host.url, ""), "").want(http.StatusOK).json()
	if at := client["document"].(map[string]any)["pinned_at"]; at == nil {
		t.Error("pinned_at is missing")
	}
	s.call("DELETE", documentPath("/pin", host.url)+"&reason=over", "").want(http.StatusOK)
	s.call("DELETE", documentPath("/pin", host.url), "").want(http.StatusConflict)
	if n := host.fetches(func() {
		checkMembers(t, s.metadataOf(host.url), map[string]any{"client_name": "App"})
	}); n != 1 {
		t.Errorf("once unpinned, the document was fetched %d times, want once", n)
	}
	var actions []string
	client = s.call("GET", clientPath(host.url, ""), "").want(http.StatusOK).json()
	for _, act := range client["admin_acts"].([]any) {
		actions = append(actions, act.(map[string]any)["action"].(string)+" "+act.(map[string]any)["reason"].(string))
	}
	if diff := cmp.Diff([]string{"pinned outage", "pinned outage", "unpinned over"}, actions); diff != "" {
		t.Errorf("acts, want (-) and got (+):\n%s", diff)
	}
	// A pin does not make a disabled client active.
	s.call("POST", clientPath(host.url, "/disable"), "").want(http.StatusOK)
	pin(`"client_name":"Pinned"`).want(http.StatusOK).wantMembers(map[string]any{"status": "disabled"})
	s.resolve(host.url).want(http.StatusNotFound)
}

// The changes of a document are kept, with the members that differ.
func testDocumentChanges(t *testing.T, site siteFunc) {
	host := newChangingHost(t)
	s := site(host.resolving())
	s.call("GET", documentPath("/history", host.url), "").want(http.StatusNotFound)
	s.resolve(host.url).want(http.StatusOK)
	host.says(`"client_name":"App","token_endpoint_auth_method":"none"`, "max-age=60")
	s.call("POST", documentPath("/refresh", host.url), "").want(http.StatusOK)
	s.call("POST", documentPath("/refresh", host.url), "").want(http.StatusOK) // nothing has changed
	s.call("PUT", documentPath("/pin", host.url), `{"client_id":"`+host.url+`","redirect_uris":["https://b.example/cb"]}`).
		want(http.StatusOK)
	var changes []map[string]any
	for _, c := range s.call("GET", documentPath("/history", host.url), "").want(http.StatusOK).json()["changes"].([]any) {
		changes = append(changes, c.(map[string]any))
	}
	if len(changes) != 3 {
		t.Fatalf("got the changes %v, want three", changes)
	}
	for i, want := range []map[string]any{
		{"before": nil, "members": nil},
		{"before": changes[0]["after"], "members": []any{"token_endpoint_auth_method"}},
		{"before": changes[1]["after"], "pinned": true,
			"members": []any{"client_name", "redirect_uris", "token_endpoint_auth_method"}},
	} {
		checkMembers(t, changes[i], want)
	}
}
