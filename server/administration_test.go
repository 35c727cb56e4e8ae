package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"registrar/engine"
	"registrar/internal/token"
	"registrar/server"
	"registrar/server/adminapi"
)

const mergePatch = "Content-Type: application/merge-patch+json"

// path returns the path of a client in the admin API.
func (o *owned) path() string { return "/admin/v1/clients/" + url.PathEscape(o.id) }

// A disabled client is like one that does not exist, except to administrators who ask for it.
func TestDisabledClient(t *testing.T) {
	s := newSite(t, setup{})
	o := s.own(`{` + web + `}`)
	s.call("POST", o.path()+"/disable", `{"reason":"leaked key"}`).want(http.StatusOK).
		wantMembers(map[string]any{"status": "disabled", "client_id": o.id})

	for _, method := range []string{"GET", "DELETE"} {
		o.manage(method, "").want(http.StatusForbidden).wantMembers(map[string]any{"error": "access_denied"})
	}
	refusal := o.put(web).want(http.StatusForbidden).body
	if strings.Contains(refusal, "leaked") {
		t.Errorf("the client reads the reason: %s", refusal)
	}
	wrong := *o
	wrong.token = "another"
	wrong.get().want(http.StatusUnauthorized)
	if o.verifies(o.secret) {
		t.Error("the secret of a disabled client is valid")
	}
	lookup := "Authorization: Bearer " + s.adminToken("lookup", token.RoleLookup)
	byQuery := "/admin/v1/clients?client_id=" + url.QueryEscape(o.id)
	for _, path := range []string{o.path(), byQuery, o.path() + "?status=active"} {
		s.do("GET", s.admin.URL+path, "", lookup).want(http.StatusNotFound)
		s.call("GET", path, "").want(http.StatusNotFound)
	}
	for _, path := range []string{o.path() + "?status=any", byQuery + "&status=disabled"} {
		s.do("GET", s.admin.URL+path, "", lookup).want(http.StatusForbidden)
		s.call("GET", path, "").want(http.StatusOK).wantMembers(map[string]any{"status": "disabled"})
	}
	s.do("GET", s.admin.URL+"/admin/v1/clients", "", lookup).want(http.StatusForbidden)
	s.call("GET", o.path()+"?status=off", "").want(http.StatusBadRequest)

	// It has what it had, and its ID stays taken.
	s.call("POST", "/admin/v1/clients", fmt.Sprintf(`{%s,"client_id":%q}`, web, o.id)).want(http.StatusConflict)
	s.call("POST", o.path()+"/disable", `{"reason":"again"}`).want(http.StatusOK)
	s.call("PATCH", o.path(), `{"client_name":"New"}`, mergePatch).want(http.StatusOK)
	s.call("POST", o.path()+"/enable", "").want(http.StatusOK).wantMembers(map[string]any{"status": "active"})
	if !o.verifies(o.secret) {
		t.Error("the secret is not valid after the client was enabled")
	}
	o.get().want(http.StatusOK).wantMembers(map[string]any{"client_name": "New"})
	got := s.actsOf(o.id)
	if want := "disabled updated enabled"; got != want {
		t.Errorf("administrators did %q, want %q", got, want)
	}
	if shown := o.shown(); !strings.Contains(shown, `"reason":"leaked key"`) ||
		!strings.Contains(shown, "admin token ") {
		t.Errorf("the reason and the administrator are not kept: %s", shown)
	}
	s.do("GET", s.admin.URL+byQuery, "", lookup).want(http.StatusOK).wantMembers(map[string]any{"client_id": o.id})
}

// actsOf returns what administrators did to a client.
func (s *site) actsOf(id string) string {
	s.t.Helper()
	c, err := s.store.Client(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	var actions []string
	for _, a := range c.AdminActs {
		actions = append(actions, string(a.Action))
	}
	return strings.Join(actions, " ")
}

func TestCreateClient(t *testing.T) {
	s := newSite(t, setup{})
	s.deploy("prefix-id")
	create := func(query, members string, headers ...string) *exchange {
		return s.call("POST", "/admin/v1/clients"+query, `{`+web+members+`}`, headers...)
	}
	o := s.owner(create("", "").want(http.StatusCreated).json())
	if !strings.HasPrefix(o.id, "acme-") || !o.verifies(o.secret) {
		t.Errorf("got %v: want an ID of the script and a valid secret", o.registered)
	}
	o.get().want(http.StatusOK)
	if shown := o.shown(); !strings.Contains(shown, `"auth":"admin"`) ||
		!strings.Contains(shown, `"script":"prefix-id"`) {
		t.Errorf("got %s, want the caller and the script", shown)
	}

	bare := s.owner(create("?no_scripts=true&reason=import", "").want(http.StatusCreated).json())
	if strings.HasPrefix(bare.id, "acme-") || !strings.Contains(bare.shown(), `"no_scripts":true`) {
		t.Errorf("without scripts: got %s", bare.shown())
	}

	const secret = "a-secret-that-the-operator-chose-0123456789"
	chosen := s.owner(create("", fmt.Sprintf(`,"client_id":"mine","client_secret":%q`, secret)).
		want(http.StatusCreated).json())
	if chosen.id != "mine" || chosen.secret != secret || !chosen.verifies(secret) {
		t.Errorf("got %s, want the chosen ID and secret", chosen.id)
	}
	if shown := chosen.shown(); strings.Contains(shown, secret) || strings.Contains(s.log.String(), secret) {
		t.Error("the chosen secret is shown again")
	}
	before := s.clients()
	clients := "Authorization: Bearer " + s.adminToken("clients", token.RoleClients)
	for _, tt := range []struct {
		name, query, members string
		headers              []string
		status               int
		says                 string
	}{
		{"a taken ID", "", `,"client_id":"mine"`, nil, http.StatusConflict, "client_id is taken"},
		{"an ID like a URL", "", `,"client_id":"https://x"`, nil, http.StatusBadRequest, "client_id: "},
		{"a short secret", "", `,"client_secret":"short"`, nil, http.StatusBadRequest, "32 to 255"},
		{"a number as secret", "", `,"client_secret":1`, nil, http.StatusBadRequest, "client_secret must be a string"},
		{"a secret without use", "", `,"token_endpoint_auth_method":"none","client_secret":"` + secret + `"`, nil,
			http.StatusUnprocessableEntity, "uses no secret"},
		{"a member of the server", "", `,"client_id_issued_at":1`, nil, http.StatusBadRequest, "client_id_issued_at"},
		{"bad metadata", "", `,"client_uri":"x"`, nil, http.StatusUnprocessableEntity, "client_uri"},
		{"a wrong type", "", `,"client_name":1`, nil, http.StatusBadRequest, "client_name"},
		{"an unknown flag", "?no_scripts=yes", "", nil, http.StatusBadRequest, "no_scripts must be true or false"},
		{"a long reason", "?reason=" + strings.Repeat("a", 501), "", nil, http.StatusBadRequest, "at most 500"},
		{"another type", "", "", []string{"Content-Type: text/plain"}, http.StatusUnsupportedMediaType, ""},
		{"an ID by another role", "", `,"client_id":"theirs"`, []string{clients}, http.StatusForbidden, "role admin"},
		{"a secret by another role", "", `,"client_secret":"` + secret + `"`, []string{clients}, http.StatusForbidden,
			"role admin"},
		{"no scripts by another role", "?no_scripts=true", "", []string{clients}, http.StatusForbidden, "role admin"},
	} {
		body, header := `{`+web+tt.members+`}`, append([]string{"Authorization: Bearer " + adminToken}, tt.headers...)
		if len(tt.headers) > 0 && tt.headers[0] == clients {
			header = tt.headers
		}
		e := s.do("POST", s.admin.URL+"/admin/v1/clients"+tt.query, body, header...).want(tt.status)
		if !strings.Contains(e.body, tt.says) || strings.Contains(e.body, secret) {
			t.Errorf("%s: got %s, want %q", tt.name, e.body, tt.says)
		}
	}
	if got := s.clients(); got != before {
		t.Errorf("%d clients after what was refused, want %d", got, before)
	}
	s.do("POST", s.admin.URL+"/admin/v1/clients", `{`+web+`}`, clients).want(http.StatusCreated)
}

func TestChangeClient(t *testing.T) {
	s := newSite(t, setup{})
	o := s.own(`{` + web + `,"client_name":"Old","contacts":["a@b.example"]}`)
	patch := func(body string, headers ...string) *exchange {
		return s.call("PATCH", o.path(), body, append([]string{mergePatch}, headers...)...)
	}
	e := patch(`{"client_name":"New","contacts":null}`).want(http.StatusOK).
		wantMembers(map[string]any{"client_name": "New"}).wantHeader("Cache-Control", "no-store")
	for _, absent := range []string{"contacts", "registration_access_token", "client_secret"} {
		if _, there := e.json()[absent]; there {
			t.Errorf("the answer has %s: %s", absent, e.body)
		}
	}
	o.get().want(http.StatusOK).wantMembers(map[string]any{"client_name": "New"}) // its token is still valid
	if !o.verifies(o.secret) {
		t.Error("the secret is not valid after a patch")
	}
	e = s.call("PUT", o.path(), `{`+web+`}`).want(http.StatusOK)
	if _, there := e.json()["client_name"]; there {
		t.Errorf("PUT: got %s, want no name", e.body)
	}
	before := o.shown()
	for body, status := range map[string]int{
		`{"client_id":"other"}`:               http.StatusBadRequest,
		`{"client_secret":"x"}`:               http.StatusBadRequest,
		`{"client_name":1}`:                   http.StatusBadRequest,
		`{"client_name":"a","client_name":1}`: http.StatusBadRequest,
		`[]`:                                  http.StatusBadRequest,
		`{"redirect_uris":["http://x.example/#f"]}`: http.StatusUnprocessableEntity,
	} {
		patch(body).want(status)
	}
	s.call("PUT", o.path(), `{`+web+`,"client_id":"other"}`).want(http.StatusUnprocessableEntity)
	s.call("PUT", o.path(), `{`+web+`,"client_secret":"not-the-secret"}`).want(http.StatusUnprocessableEntity)
	s.call("PATCH", o.path(), `{}`).want(http.StatusUnsupportedMediaType)
	s.call("PATCH", "/admin/v1/clients/none", `{}`, mergePatch).want(http.StatusNotFound)
	if after := o.shown(); after != before {
		t.Errorf("what was refused changed\n%s\nto\n%s", before, after)
	}
	// A client that comes to need a secret gets one, which the administrator reads.
	public := s.own(`{` + web + `,"token_endpoint_auth_method":"none"}`)
	secret, _ := s.call("PATCH", public.path(), `{"token_endpoint_auth_method":"client_secret_basic"}`, mergePatch).
		want(http.StatusOK).json()["client_secret"].(string)
	if !public.verifies(secret) {
		t.Errorf("the new secret %q is not valid", secret)
	}
}

func TestReissueToken(t *testing.T) {
	s := newSite(t, setup{})
	o := s.own(`{` + web + `}`)
	e := s.call("POST", o.path()+"/reissue-token", "").want(http.StatusOK)
	o.get().want(http.StatusUnauthorized)
	renewed := *o
	renewed.token = e.json()["registration_access_token"].(string)
	renewed.get().want(http.StatusOK)
	if e.json()["registration_client_uri"] != o.registered["registration_client_uri"] {
		t.Errorf("got %s, want the URI of the registration", e.body)
	}
	if strings.Contains(s.log.String(), renewed.token) {
		t.Error("the log shows the token")
	}
	s.call("POST", "/admin/v1/clients/none/reissue-token", "").want(http.StatusNotFound)
}

func TestChosenSecretOfARotation(t *testing.T) {
	s := newSite(t, setup{})
	o := s.own(`{` + web + `}`)
	const chosen = "a-secret-that-the-operator-chose-0123456789"
	rotate := func(body string) *exchange { return s.call("POST", o.path()+"/rotate-secret", body) }
	rotate(`{"client_secret":"short"}`).want(http.StatusBadRequest)
	s.do("POST", s.admin.URL+o.path()+"/rotate-secret", `{"client_secret":"`+chosen+`"}`,
		"Authorization: Bearer "+s.adminToken("clients", token.RoleClients)).want(http.StatusForbidden)
	rotate(`{"grace":0,"client_secret":"` + chosen + `","reason":"moved"}`).want(http.StatusOK).
		wantMembers(map[string]any{"client_secret": chosen})
	if !o.verifies(chosen) || o.verifies(o.secret) {
		t.Error("the chosen secret is not the only one that is valid")
	}
	if got := s.actsOf(o.id); got != "secret_rotated" {
		t.Errorf("administrators did %q", got)
	}
}

func TestClientFilters(t *testing.T) {
	s := newSite(t, setup{server: server.Config{Registration: server.RegistrationOpen}})
	o := s.own(`{` + web + `,"client_name":"Alpha","software_id":"s1"}`)
	other := s.own(`{` + web + `,"client_name":"Beta"}`)
	s.call("POST", other.path()+"/disable", `{}`).want(http.StatusOK)
	s.call("POST", "/admin/v1/clients/seen", `{"client_ids":["`+o.id+`"]}`).want(http.StatusNoContent)
	for query, want := range map[string]int{
		"": 1, "status=any": 2, "status=disabled": 1, "status=any&never_seen=true": 1, "name=alph": 1, "name=beta": 0,
		"software_id=s1": 1, "software_id=s": 0, "caller_network=127.0.0.0/8": 1, "caller_network=::1": 0,
		"caller_token_id=x": 0, "caller_issuer=x": 0, "caller_subject=x": 0,
		"registered_before=2020-01-01T00:00:00Z": 0, "registered_after=2020-01-01T00:00:00%2B01:00": 1,
	} {
		e := s.call("GET", "/admin/v1/clients?"+query, "").want(http.StatusOK)
		if got := len(e.json()["clients"].([]any)); got != want {
			t.Errorf("%q: got %d clients, want %d", query, got, want)
		}
	}
	for query, says := range map[string]string{
		"status=off": "active, disabled or any", "never_seen=1": "true or false", "caller_network=x": "192.0.2.0/24",
		"registered_after=yesterday": "RFC 3339",
		"software=s1":                "is unknown: the parameters are after", "after=x": "whole number",
	} {
		if e := s.call("GET", "/admin/v1/clients?"+query, "").want(http.StatusBadRequest); !strings.Contains(e.body,
			says) {
			t.Errorf("%q: got %s, want %q", query, e.body, says)
		}
	}
	page, err := s.api().Clients(t.Context(), adminapi.ClientQuery{Status: "any", CallerNetwork: "127.0.0.1"})
	if err != nil || len(page.Clients) != 2 || page.Clients[0].Status != string(engine.StatusDisabled) {
		t.Errorf("got %+v, %v", page, err)
	}
}
