package server_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"registrar/engine"
	"registrar/internal/token"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/server"
	"registrar/server/adminapi"
)

func TestAdminToken(t *testing.T) {
	s := newSite(t, setup{})
	for _, header := range []string{"Authorization:", "Authorization: Bearer wrong-token",
		"Authorization: Basic " + adminToken, "Authorization: Bearer", "Authorization: " + adminToken} {
		e := s.do("GET", s.admin.URL+"/admin/v1/modules", "", header).want(http.StatusUnauthorized).
			wantHeader("Content-Type", "application/problem+json").wantHeader("Cache-Control", "no-store")
		if !strings.HasPrefix(e.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: WWW-Authenticate is %q", header, e.header.Get("WWW-Authenticate"))
		}
	}
	s.call("GET", "/admin/v1/modules", "").want(http.StatusOK).wantMembers(map[string]any{"modules": []any{}})
	another := s.adminToken("another", token.RoleAdmin)
	s.do("GET", s.admin.URL+"/admin/v1/modules", "", "Authorization: bearer "+another).want(http.StatusOK)
	s.do("GET", s.public.URL+"/admin/v1/modules", "", "Authorization: Bearer "+adminToken).want(http.StatusNotFound)
	if strings.Contains(s.log.String(), "wrong-token") {
		t.Error("the log shows a token")
	}
}

func TestHealthAndReadiness(t *testing.T) {
	var failure error
	s := newSite(t, setup{server: server.Config{Ready: func(context.Context) error { return failure }}})
	s.do("GET", s.public.URL+"/healthz", "").want(http.StatusOK)
	s.do("GET", s.admin.URL+"/healthz", "").want(http.StatusOK)
	for _, base := range []string{s.public.URL, s.admin.URL} {
		s.do("GET", base+"/readyz", "").want(http.StatusOK).wantMembers(map[string]any{"status": "ready"})
	}
	failure = errors.Join(errors.New("the database is away"), errors.New("deployment 1 is not loaded"))
	s.do("GET", s.admin.URL+"/readyz", "").want(http.StatusServiceUnavailable).
		wantMembers(map[string]any{"status": "not ready",
			"reasons": []string{"the database is away", "deployment 1 is not loaded"}})
	s.do("GET", s.public.URL+"/readyz", "").want(http.StatusServiceUnavailable).
		wantMembers(map[string]any{"status": "not ready"})
	failure = errors.New("one reason")
	s.do("GET", s.admin.URL+"/readyz", "").want(http.StatusServiceUnavailable).
		wantMembers(map[string]any{"reasons": []string{"one reason"}})
}

func TestModules(t *testing.T) {
	s := newSite(t, setup{})
	wasm := string(wasmtest.Wasm(t, "prefix-id"))
	upload := func(name, wasm string, headers ...string) *exchange {
		return s.call("POST", "/admin/v1/modules?name="+url.QueryEscape(name), wasm,
			append([]string{"Content-Type: application/wasm"}, headers...)...)
	}
	first := upload("ids", wasm).want(http.StatusCreated).wantMembers(map[string]any{
		"digest": scripts.Digest([]byte(wasm)), "name": "ids", "size": len(wasm), "steps": []string{"add_client_id"},
		"imports": []string{"registrar_v1.random", "registrar_v1.set_client_id"}, "memory_min": 65536,
		"warnings": []string{}})
	if again := upload("other", wasm).want(http.StatusOK); again.body != first.body {
		t.Errorf("the same bytes again: got %s, want %s", again.body, first.body)
	}
	path := "/admin/v1/modules/" + scripts.Digest([]byte(wasm))
	if e := s.call("GET", path, "").want(http.StatusOK); e.body != first.body {
		t.Errorf("GET: got %s, want %s", e.body, first.body)
	}
	e := s.call("GET", path+"/wasm", "").want(http.StatusOK).wantHeader("Content-Type", "application/wasm")
	if e.body != wasm {
		t.Error("the downloaded bytes differ")
	}
	refused := upload("bad", string(wasmtest.Wasm(t, "bad-import"))).want(http.StatusUnprocessableEntity).
		wantHeader("Content-Type", "application/problem+json")
	if reasons := refused.json()["reasons"].([]any); len(reasons) != 1 ||
		!strings.Contains(reasons[0].(string), "set_clientid") {
		t.Errorf("got %s", refused.body)
	}
	upload("A", wasm).want(http.StatusUnprocessableEntity)
	upload("ids", wasm, "Content-Type: application/json").want(http.StatusUnsupportedMediaType)
	upload("ids", strings.Repeat("a", 8<<20+1)).want(http.StatusRequestEntityTooLarge)
	s.call("GET", "/admin/v1/modules/sha256:00", "").want(http.StatusNotFound)

	s.call("POST", "/admin/v1/deployments", `{"scripts":[{"name":"ids","module":"`+scripts.Digest([]byte(wasm))+`"}]}`).
		want(http.StatusCreated)
	s.call("DELETE", path, "").want(http.StatusConflict)
	spare := string(wasmtest.Wasm(t, "counter"))
	upload("spare", spare).want(http.StatusCreated)
	s.call("DELETE", "/admin/v1/modules/"+scripts.Digest([]byte(spare)), "").want(http.StatusNoContent)
	s.call("DELETE", "/admin/v1/modules/"+scripts.Digest([]byte(spare)), "").want(http.StatusNotFound)
}

func TestDeployments(t *testing.T) {
	s := newSite(t, setup{})
	s.call("GET", "/admin/v1/deployments/current", "").want(http.StatusOK).
		wantMembers(map[string]any{"number": 0, "scripts": []any{}})
	m, err := s.api().Upload(t.Context(), "prefix-id", wasmtest.Wasm(t, "prefix-id"), "")
	if err != nil {
		t.Fatal(err)
	}
	one := `{"name":"ids","module":"` + m.Digest + `","config":{"a":[1]}}`
	post := func(body string) *exchange { return s.call("POST", "/admin/v1/deployments", body) }

	created := post(`{"scripts":[` + one + `],"if_current":0,"comment":"first"}`).want(http.StatusCreated)
	created.wantMembers(map[string]any{"number": 1, "comment": "first"})
	if got := s.registered(`{` + web + `}`)["client_id"].(string); !strings.HasPrefix(got, "acme-") {
		t.Errorf("client_id %s: the deployment is not in force", got)
	}
	post(`{"scripts":[],"if_current":0}`).want(http.StatusConflict)
	post(`{"scripts":[],"if_current":1}`).want(http.StatusCreated).wantMembers(map[string]any{"number": 2})
	if got := s.registered(`{` + web + `}`)["client_id"].(string); len(got) != 36 {
		t.Errorf("client_id %s: the script is still in force", got)
	}
	post(`{"copy_of":1}`).want(http.StatusCreated).wantMembers(map[string]any{"number": 3, "copy_of": 1})
	if got := s.registered(`{` + web + `}`)["client_id"].(string); !strings.HasPrefix(got, "acme-") {
		t.Errorf("client_id %s: the copied deployment is not in force", got)
	}
	for body, status := range map[string]int{
		`{}`:                                    http.StatusUnprocessableEntity,
		`{"copy_of":1,"scripts":[]}`:            http.StatusUnprocessableEntity,
		`{"scripts":[` + one + `,` + one + `]}`: http.StatusUnprocessableEntity,
		`{"scripts":[{"name":"x","module":"sha256:00"}]}`: http.StatusUnprocessableEntity,
		`{"copy_of":99}`:              http.StatusNotFound,
		`{"scripts":[],"unknown":1}`:  http.StatusBadRequest,
		`{"scripts":[{"nam":"a"}]}`:   http.StatusBadRequest,
		`{"scripts":[],"scripts":[]}`: http.StatusBadRequest,
		`[]`:                          http.StatusBadRequest,
	} {
		post(body).want(status).wantHeader("Content-Type", "application/problem+json")
	}
	list, err := s.api().Deployments(t.Context())
	if err != nil || len(list) != 3 || list[0].Number != 3 || list[2].Number != 1 {
		t.Errorf("got %+v, %v", list, err)
	}
	s.call("GET", "/admin/v1/deployments/1", "").want(http.StatusOK).wantMembers(map[string]any{"number": 1})
	s.call("GET", "/admin/v1/deployments/4", "").want(http.StatusNotFound)
	s.call("GET", "/admin/v1/deployments/one", "").want(http.StatusNotFound)
	s.call("GET", "/admin/v1/deployments?before=2", "").want(http.StatusOK)
	s.call("GET", "/admin/v1/deployments?before=-2", "").want(http.StatusBadRequest)
}

func TestClients(t *testing.T) {
	s := newSite(t, setup{})
	s.deploy("items-write", "items-read")
	for _, name := range []string{"Alpha", "Beta", "100% Gamma"} {
		s.registered(`{` + web + `,"client_name":"` + name + `"}`)
	}
	api := s.api()
	list, err := api.Clients(t.Context(), adminapi.ClientQuery{})
	all := list.Clients
	if err != nil || len(all) != 3 {
		t.Fatalf("got %+v, %v", all, err)
	}
	first, err := api.Clients(t.Context(), adminapi.ClientQuery{Limit: 1})
	if err != nil || first.Next == "" || first.Clients[0].Name() != "100% Gamma" {
		t.Errorf("the first page: got %+v, %v; want the last registered client", first, err)
	}
	for _, tt := range []struct {
		query adminapi.ClientQuery
		want  int
	}{{adminapi.ClientQuery{Limit: 2}, 2}, {adminapi.ClientQuery{After: first.Next}, 2},
		{adminapi.ClientQuery{Q: "alph"}, 1}, {adminapi.ClientQuery{Q: "%"}, 1},
		{adminapi.ClientQuery{Q: "item-"}, 3}} {
		if got, err := api.Clients(t.Context(), tt.query); err != nil || len(got.Clients) != tt.want {
			t.Errorf("%+v: got %d clients, %v; want %d", tt.query, len(got.Clients), err, tt.want)
		}
	}
	s.call("GET", "/admin/v1/clients?limit=x", "").want(http.StatusBadRequest)

	one, err := api.Client(t.Context(), all[0].ClientID)
	if err != nil || !one.HasSecret || one.Deployment != 1 ||
		!strings.Contains(string(one.Acts), `"changed":["client_id"]`) ||
		!strings.Contains(string(one.Acts), `"script":"items-read"`) ||
		!strings.Contains(string(one.Metadata), "https://app.example/cb") {
		t.Errorf("got %+v, %v", one, err)
	}
	if err := api.DeleteClient(t.Context(), one.ClientID); err != nil {
		t.Fatal(err)
	}
	_, err = api.Client(t.Context(), one.ClientID)
	if problem, ok := errors.AsType[*adminapi.Problem](err); !ok || problem.Status != http.StatusNotFound {
		t.Errorf("after the deletion: got %v, want 404", err)
	}
	if err := api.DeleteClient(t.Context(), one.ClientID); err == nil {
		t.Error("the second deletion: got no error")
	}
}

// Client IDs may hold characters that paths must encode.
func TestClientIDsInPaths(t *testing.T) {
	s := newSite(t, setup{})
	for _, id := range []string{"a/b", "a%2Fb", "a?b#c", "~:@!$&'()*+,;=", "%", "a+b"} {
		c := &engine.Client{ID: id, IssuedAt: time.Now(),
			Metadata: engine.Metadata{GrantTypes: []string{"client_credentials"}},
			Caller:   engine.Caller{Auth: engine.AuthNone}}
		c.RegistrationID[0] = id[0]
		if err := s.store.AddClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if got, err := s.api().Client(t.Context(), id); err != nil || got.ClientID != id {
			t.Errorf("%q: got %q, %v", id, got.ClientID, err)
		}
		if err := s.api().DeleteClient(t.Context(), id); err != nil {
			t.Errorf("deleting %q: %v", id, err)
		}
	}
}

func TestDryRunOverHTTP(t *testing.T) {
	s := newSite(t, setup{})
	m, err := s.api().Upload(t.Context(), "prefix-id", wasmtest.Wasm(t, "prefix-id"), "")
	if err != nil {
		t.Fatal(err)
	}
	post := func(body string) *exchange { return s.call("POST", "/admin/v1/dry-run", body) }
	e := post(`{"request":{` + web + `},"scripts":[{"name":"ids","module":"` + m.Digest + `"}]}`).want(http.StatusOK).
		wantMembers(map[string]any{"outcome": "registered"})
	response := e.json()["response"].(map[string]any)
	if !strings.HasPrefix(response["client_id"].(string), "acme-") {
		t.Errorf("got %s", e.body)
	}
	step := e.json()["steps"].([]any)[0].(map[string]any)
	for _, name := range []string{"step", "script", "outcome", "microseconds", "fuel", "changes", "log"} {
		if _, there := step[name]; !there {
			t.Errorf("the step has no %s", name)
		}
	}
	post(`{"request":{}}`).want(http.StatusOK).wantMembers(map[string]any{"outcome": "refused"})
	post(`{"request":{"redirect_uris":1}}`).want(http.StatusOK).wantMembers(map[string]any{"outcome": "refused"})
	post(`{}`).want(http.StatusOK).wantMembers(map[string]any{"outcome": "refused"})
	long := `{` + web + `,"client_name":"` + strings.Repeat("a", 64<<10) + `"}`
	if e := post(`{"request":` + long + `}`).want(http.StatusRequestEntityTooLarge); !strings.Contains(e.body,
		"65536") {
		t.Errorf("got %s, want the limit of a registration", e.body)
	}
	post(`{"request":{` + web + `},"caller":{"nobody":1}}`).want(http.StatusBadRequest)
	post(`{"request":{` + web +
		`},"scripts":[{"name":"ids","module":"sha256:00"}]}`).want(http.StatusUnprocessableEntity)
	if n := s.clients(); n != 0 {
		t.Errorf("%d clients are stored, want none", n)
	}
}

func TestSignatureHeader(t *testing.T) {
	s := newSite(t, setup{})
	upload := func(header string) *exchange {
		return s.call("POST", adminapi.PathModules+"?name=ids", string(wasmtest.Wasm(t, "prefix-id")),
			"Content-Type: application/wasm", adminapi.SignatureHeader+": "+header)
	}
	for header, reason := range map[string]string{
		"*":    "Registrar-Signature must be the .minisig file in base64",
		"bm8=": "the signature is not a minisign signature",
	} {
		if body := upload(header).want(http.StatusUnprocessableEntity).body; !strings.Contains(body, reason) {
			t.Errorf("%s: got %s, want %q", header, body, reason)
		}
	}
	if body := upload("").want(http.StatusCreated).body; strings.Contains(body, "signature") {
		t.Errorf("without a signature: got %s", body)
	}
}
