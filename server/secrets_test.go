package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"registrar/server"
	"registrar/store/storetest"
)

func TestRotateSecret(t *testing.T) {
	s := newSite(t, setup{})
	o := s.own(`{` + web + `}`)
	rotate := func(body string) *exchange { return s.call("POST", "/admin/v1/clients/"+o.id+"/rotate-secret", body) }
	first := rotate("").want(http.StatusOK).wantHeader("Cache-Control", "no-store").
		wantMembers(map[string]any{"client_id": o.id, "client_secret_expires_at": 0}).json()
	if grace := first["former_secret_expires_at"].(float64) - float64(time.Now().Unix()); grace < 86_000 ||
		grace > 86_400 {
		t.Errorf("the old secret is valid for %v s, want a day", grace)
	}
	secret := first["client_secret"].(string)
	if !o.verifies(secret) || !o.verifies(o.secret) {
		t.Error("the new secret, or the old one in its grace, does not verify")
	}
	second := rotate(`{"grace":60}`).want(http.StatusOK).json()["client_secret"].(string)
	if !o.verifies(second) || !o.verifies(secret) || o.verifies(o.secret) {
		t.Error("want the new and the previous secret to verify, and no older one")
	}
	last := rotate(`{"grace":0}`).want(http.StatusOK).wantMembers(map[string]any{"former_secret_expires_at": nil}).
		json()["client_secret"].(string)
	if !o.verifies(last) || o.verifies(second) {
		t.Error("without grace, the old secret verifies, or the new one does not")
	}
	for _, bad := range []string{`{"grace":-1}`, `{"grace":"1"}`, `{"grace":1e12}`, `{"other":1}`, `[]`} {
		rotate(bad).want(http.StatusBadRequest)
	}
	s.call("POST", "/admin/v1/clients/nobody/rotate-secret", `{}`).want(http.StatusNotFound)
	public := s.own(`{` + web + `,"token_endpoint_auth_method":"none"}`)
	s.call("POST", "/admin/v1/clients/"+public.id+"/rotate-secret", `{}`).want(http.StatusConflict)
	for _, plain := range []string{secret, second, last} {
		if strings.Contains(s.log.String(), plain) {
			t.Error("the log shows a secret")
		}
	}
}

func TestSeen(t *testing.T) {
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	s := newSite(t, setup{server: server.Config{Now: func() time.Time { return now }}})
	a, b, c := s.own(`{`+web+`}`), s.own(`{`+web+`}`), s.own(`{`+web+`}`)
	seen := func(o *owned, want time.Time) {
		t.Helper()
		var got *time.Time
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			client, err := s.api().Client(t.Context(), o.id)
			if err != nil {
				t.Fatal(err)
			}
			if got = client.SeenAt; (got == nil) == want.IsZero() && (got == nil || got.Equal(want)) {
				return
			}
		}
		t.Errorf("got %v, want %v", got, want)
	}
	if a.verifies("wrong") || !a.verifies(a.secret) || b.verifies(a.secret) {
		t.Error("want only the client's own secret to verify")
	}
	seen(a, now)
	seen(b, time.Time{})
	first := now
	now = now.Add(30 * time.Second)
	a.verifies(a.secret)
	b.verifies(b.secret) // when it is marked, a would be too
	seen(b, now)
	seen(a, first) // at most one write a minute
	now = now.Add(time.Second)
	s.call("POST", "/admin/v1/clients/"+c.id+"/disable", `{}`).want(http.StatusOK)
	s.call("POST", "/admin/v1/clients/seen", fmt.Sprintf(`{"client_ids":[%q,%q,%q,"nobody"]}`, a.id, b.id, c.id)).
		want(http.StatusNoContent)
	seen(a, now)
	seen(b, now)
	s.call("POST", "/admin/v1/clients/"+c.id+"/enable", `{}`).want(http.StatusOK)
	seen(c, time.Time{}) // it was disabled
	s.call("POST", "/admin/v1/clients/seen", `{"client_ids":[`+strings.Repeat(`"x",`, 1000)+`"x"]}`).
		want(http.StatusBadRequest)
	s.call("POST", "/admin/v1/clients/nobody/verify-secret", `{"client_secret":"x"}`).want(http.StatusOK).
		wantMembers(map[string]any{"valid": false})
	s.call("GET", "/admin/v1/clients/seen", "").want(http.StatusNotFound) // as a client ID
}

// Tokens are stored only as hashes, and no log line shows one.
func TestTokensStaySecret(t *testing.T) {
	databases(t, func(t *testing.T, database string) {
		s := newSite(t, setup{database: database})
		s.deploy("log-secret")
		o := s.own(`{` + web + `}`)
		o.put(web + `,"client_secret":"` + o.secret + `"`).want(http.StatusOK)
		o.put(web + `,"registration_access_token":"` + o.token + `"`).want(http.StatusBadRequest)
		gone := s.own(`{` + web + `}`)
		gone.manage("DELETE", "").want(http.StatusNoContent)
		gone.get().want(http.StatusUnauthorized)
		found := 0
		storetest.EachValue(t, s.database, func(table, column string, value []byte) {
			if strings.Contains(string(value), "https://app.example/cb") {
				found++ // shows that the search works
			}
			if strings.Contains(string(value), o.token) {
				t.Errorf("%s.%s holds the token", table, column)
			}
		})
		if log := s.log.String(); found != 1 || !strings.Contains(log, "client updated") ||
			strings.Contains(log, o.token) ||
			strings.Contains(log, gone.token) {
			t.Errorf("found %d clients in the rows, want 1; or the log shows a token:\n%s", found, log)
		}
	})
}

// The errors of rotate-secret, verify-secret and seen in docs/http.md.
func TestSecretsAndSeenRejected(t *testing.T) {
	s := newSite(t, setup{})
	confidential := s.registered(`{` + web + `}`)["client_id"].(string)
	public := s.registered(`{` + web + `,"token_endpoint_auth_method":"none"}`)["client_id"].(string)
	many := `{"client_ids":["a"` + strings.Repeat(`,"a"`, 1000) + `]}`
	for _, tt := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"/" + confidential + "/rotate-secret", `{"grace":-1}`, http.StatusBadRequest,
			"grace must be 0 to 31536000 seconds"},
		{"/" + confidential + "/rotate-secret", `{"grace":31536001}`, http.StatusBadRequest,
			"grace must be 0 to 31536000 seconds"},
		{"/" + confidential + "/rotate-secret", `{"graze":1}`, http.StatusBadRequest, "graze"},
		{"/" + public + "/rotate-secret", ``, http.StatusConflict, "its token_endpoint_auth_method is none"},
		{"/nobody/rotate-secret", ``, http.StatusNotFound, `"not found"`},
		{"/" + confidential + "/verify-secret", `{"secret":"s"}`, http.StatusBadRequest, "secret"},
		{"/seen", `{"client_ids":"a"}`, http.StatusBadRequest, "client_ids"},
		{"/seen", many, http.StatusBadRequest, "at most 1000 client IDs"},
	} {
		if e := s.call("POST", "/admin/v1/clients"+tt.path, tt.body).want(tt.status); !strings.Contains(e.body,
			tt.want) {
			t.Errorf("%s %.40s: got %s, want %q", tt.path, tt.body, e.body, tt.want)
		}
	}
	s.call("POST", "/admin/v1/clients/"+confidential+"/rotate-secret", `{"grace":1}`, "Content-Type: text/plain").
		want(http.StatusUnsupportedMediaType)
}
