package server_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/server"
	"registrar/server/adminapi"
)

// An action is a call of the admin API, and the message of its line in the log.
type action struct{ path, body, says string }

// actions returns a call of each route that is not a GET. What they act on exists; fetched is the URL of a document.
func actions(s *site, fetched string) map[string]action {
	digest := scripts.Digest(wasmtest.Wasm(s.t, "prefix-id"))
	module := func(path string) string { return strings.Replace(path, ":digest", digest, 1) }
	document := func(path, url string) string { return path + "?url=" + url }
	const pinned = "https://app.example/pinned"
	text := `{"client_id":"` + pinned + `",` + web + `}`
	s.call("PUT", document(adminapi.PathDocumentPin, pinned), text).want(http.StatusOK)
	client := func(path string) string { return strings.Replace(path, ":id", s.own(`{`+web+`}`).id, 1) }
	return map[string]action{
		"POST " + adminapi.PathModules: {adminapi.PathModules + "?name=ids", string(wasmtest.Wasm(s.t, "prefix-id")),
			"module uploaded"},
		"DELETE " + adminapi.PathModule:    {module(adminapi.PathModule), "", "module deleted"},
		"POST " + adminapi.PathDeployments: {adminapi.PathDeployments, `{"scripts":[]}`, "deployment appended"},
		"POST " + adminapi.PathDryRun:      {adminapi.PathDryRun, `{"request":{` + web + `}}`, "dry run ended"},
		"POST " + adminapi.PathReplay:      {adminapi.PathReplay, `{}`, "replay ended"},
		"POST " + adminapi.PathClients:     {adminapi.PathClients, `{` + web + `}`, "client created"},
		"PUT " + adminapi.PathClient:       {client(adminapi.PathClient), `{` + web + `}`, "client updated"},
		"PATCH " + adminapi.PathClient:     {client(adminapi.PathClient), `{"client_name":"a"}`, "client updated"},
		"DELETE " + adminapi.PathClient:    {client(adminapi.PathClient), "", "client deleted"},
		"POST " + adminapi.PathDisable:     {client(adminapi.PathDisable), `{"reason":"test"}`, "client disabled"},
		"POST " + adminapi.PathEnable:      {client(adminapi.PathEnable), "", "client enabled"},
		"POST " + adminapi.PathReissueToken: {client(adminapi.PathReissueToken), "",
			"registration access token reissued"},
		"POST " + adminapi.PathRotateSecret: {client(adminapi.PathRotateSecret), `{}`,
			"client secret rotated"},
		"POST " + adminapi.PathVerifySecret: {client(adminapi.PathVerifySecret), `{"client_secret":"not-the-secret"}`,
			"client secret verified"},
		"POST " + adminapi.PathDocumentRefresh: {document(adminapi.PathDocumentRefresh, fetched), "",
			"metadata document refreshed"},
		"PUT " + adminapi.PathDocumentPin: {document(adminapi.PathDocumentPin, "https://app.example/c"),
			strings.Replace(text, pinned, "https://app.example/c", 1), "metadata document pinned"},
		"DELETE " + adminapi.PathDocumentPin: {document(adminapi.PathDocumentPin, pinned), "",
			"metadata document unpinned"},
		"POST " + adminapi.PathSeen: {adminapi.PathSeen, `{"client_ids":[]}`, "clients marked as seen"},
		"POST " + adminapi.PathInitialAccessTokens: {adminapi.PathInitialAccessTokens, `{"label":"a"}`,
			"initial access token created"},
		"POST " + adminapi.PathAdminTokens: {adminapi.PathAdminTokens, `{"label":"made","roles":["read"]}`,
			"admin token created"},
		"DELETE " + adminapi.PathAdminToken: {strings.Replace(adminapi.PathAdminToken, ":id",
			s.call("POST", adminapi.PathAdminTokens, `{"label":"gone","roles":["read"]}`).json()["id"].(string), 1), "",
			"admin token revoked"},
		"DELETE " + adminapi.PathInitialAccessToken: {strings.Replace(adminapi.PathInitialAccessToken, ":id",
			s.call("POST", adminapi.PathInitialAccessTokens, `{"label":"b"}`).json()["id"].(string), 1), "",
			"initial access token revoked"},
	}
}

// lines returns the lines of the log about a request.
func (s *site) lines(requestID string) (found []map[string]any) {
	s.t.Helper()
	for line := range strings.Lines(s.log.String()) {
		var members map[string]any
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			s.t.Fatal(err)
		}
		if members["request_id"] == requestID {
			found = append(found, members)
		}
	}
	return found
}

// Each call of the admin API that may change something logs one line, with its caller and the address that the server
// takes for theirs, whether it succeeds or fails.
func TestActionsAreLogged(t *testing.T) {
	host := newWebHost(t)
	s := newSite(t, setup{server: server.Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		FetchDocument: host.fetcher().Get}})
	calls := actions(s, host.document("/c", ","+web))
	number := 0
	check := func(r route, path, body string, succeeds bool, says string) {
		t.Helper()
		number++
		id := fmt.Sprint("action-", number)
		mediaType := "application/json"
		switch {
		case r.path == adminapi.PathModules:
			mediaType = "application/wasm"
		case r.method == http.MethodPatch:
			mediaType = "application/merge-patch+json"
		}
		e := s.call(r.method, path, body, "X-Request-Id: "+id, "X-Forwarded-For: 203.0.113.7",
			"Content-Type: "+mediaType)
		if succeeds != (e.status < 300) {
			t.Errorf("%s %s: got %d %s", r.method, path, e.status, e.body)
		}
		found := s.lines(id)
		if len(found) != 1 {
			t.Fatalf("%s %s: %d lines, want 1: %v", r.method, path, len(found), found)
		}
		by, _ := found[0]["by"].(string)
		if found[0]["msg"] != says || found[0]["ip"] != "203.0.113.7" || !strings.HasPrefix(by, "admin token ") {
			t.Errorf("%s %s: got %v, want %q by an admin token from 203.0.113.7", r.method, path, found[0], says)
		}
	}
	for _, r := range allRoutes(t) {
		if r.listener != "admin" || !strings.HasPrefix(r.path, adminapi.Prefix) || r.method == http.MethodGet ||
			r.method == http.MethodHead {
			continue
		}
		a, known := calls[r.method+" "+r.path]
		if !known {
			t.Errorf("%s %s has no row in actions", r.method, r.path)
			continue
		}
		switch a.says { // the routes come in any order
		case "module uploaded":
			s.call("DELETE", calls["DELETE "+adminapi.PathModule].path, "")
		case "module deleted":
			if _, err := s.api().Upload(t.Context(), "ids", wasmtest.Wasm(t, "prefix-id"), ""); err != nil {
				t.Fatal(err)
			}
		}
		check(r, a.path, a.body, true, a.says)
		check(r, strings.NewReplacer(":digest", "none", ":id", "none").Replace(r.path), "]", false, "request refused")
	}
	if log := s.log.String(); strings.Contains(log, adminToken) || strings.Contains(log, "not-the-secret") {
		t.Error("the log shows a secret")
	}
}

// The log tells a wrong secret from a right one.
func TestVerifiedSecretsAreLogged(t *testing.T) {
	s := newSite(t, setup{})
	o := s.own(`{` + web + `}`)
	for secret, valid := range map[string]bool{o.secret: true, "another": false} {
		s.call("POST", "/admin/v1/clients/"+o.id+"/verify-secret", fmt.Sprintf(`{"client_secret":%q}`, secret),
			fmt.Sprintf("X-Request-Id: valid-%t", valid)).want(http.StatusOK)
		if found := s.lines(fmt.Sprintf("valid-%t", valid)); len(found) != 1 || found[0]["valid"] != valid {
			t.Errorf("valid %t: got %v", valid, found)
		}
	}
	if strings.Contains(s.log.String(), o.secret) {
		t.Error("the log shows a secret")
	}
}
