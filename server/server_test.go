package server_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"registrar/engine"
	"registrar/internal/app"
	"registrar/internal/servertest"
	"registrar/internal/token"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/host"
	"registrar/server"
	"registrar/server/adminapi"
	"registrar/store"
	"registrar/store/storetest"
)

const adminToken = servertest.AdminToken

// A site is a server whose responses are checked against openapi.yaml.
type site struct {
	t     testing.TB
	store *store.Store

	database string
	public   *httptest.Server
	admin    *httptest.Server
	log      *servertest.Buffer
}

// A setup holds what a test changes in a server.
type setup struct {
	database string // "" means SQLite
	options  engine.Options
	server   server.Config
	scripts  host.Config
	engine   func(*engine.Config) // changes the engine; nil means no change

	unmanaged bool // clients cannot manage their registrations
}

func newSite(t testing.TB, s setup) *site {
	t.Helper()
	c := app.Config{Database: s.database, Engine: engine.Config{Options: s.options}, Scripts: s.scripts,
		Server: s.server}
	if s.engine != nil {
		s.engine(&c.Engine)
	}
	whole := servertest.New(t, c, servertest.Options{
		Wrap:      func(listener string, h http.Handler) http.Handler { return checked(t, listener, h) },
		Unmanaged: s.unmanaged,
	})
	return &site{t: t, store: whole.Store, database: whole.Database, public: whole.Public, admin: whole.Admin,
		log: whole.Log}
}

func findAdmin(_ context.Context, presented string) (*token.Administrator, error) {
	if presented != adminToken {
		return nil, engine.ErrNotFound
	}
	return &token.Administrator{Name: "admin token", Roles: []token.Role{token.RoleAdmin}}, nil
}

// An exchange is a response with its body read.
type exchange struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// do sends a request. Headers have the form "Name: value"; "Name:" removes a default header.
func (s *site) do(method, url, body string, headers ...string) *exchange {
	s.t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		switch {
		case name == "Host":
			request.Host = value
		case value == "":
			request.Header.Del(strings.TrimSuffix(name, ":"))
		default:
			request.Header.Set(name, value)
		}
	}
	return s.send(request)
}

func (s *site) send(request *http.Request) *exchange {
	s.t.Helper()
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return &exchange{s.t, response.StatusCode, response.Header, string(b)}
}

// authorizedBy sends a request with these Authorization headers.
func (s *site) authorizedBy(method, url, body string, values ...string) *exchange {
	s.t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": values}
	return s.send(request)
}

func (s *site) register(body string, headers ...string) *exchange {
	s.t.Helper()
	return s.do("POST", s.public.URL+"/register", body, headers...)
}

// registered registers a client, which must succeed, and returns the members of the response.
func (s *site) registered(body string) map[string]any {
	s.t.Helper()
	return s.register(body).want(http.StatusCreated).json()
}

// refused registers a client, which must be refused with a code and with words in the description.
func (s *site) refused(body, code, words string) {
	s.t.Helper()
	before := s.clients()
	e := s.register(body).want(http.StatusBadRequest)
	got := e.json()
	if got["error"] != code || !strings.Contains(got["error_description"].(string), words) {
		s.t.Errorf("%s\ngot %s\nwant %s with %q", body, e.body, code, words)
	}
	if after := s.clients(); after != before {
		s.t.Errorf("%s: %d clients were stored, want none", body, after-before)
	}
}

func (s *site) clients() int {
	s.t.Helper()
	page, err := s.store.Clients(context.Background(), engine.ClientFilter{}, 0, 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	return len(page.Clients)
}

// call calls the admin API.
func (s *site) call(method, path, body string, headers ...string) *exchange {
	s.t.Helper()
	return s.do(method, s.admin.URL+path, body, append([]string{"Authorization: Bearer " + adminToken}, headers...)...)
}

// deploy uploads and deploys fixtures, outermost first.
func (s *site) deploy(names ...string) {
	s.t.Helper()
	api := s.api()
	d := adminapi.NewDeployment{Scripts: []scripts.Script{}}
	for _, name := range names {
		m, err := api.Upload(s.t.Context(), name, wasmtest.Wasm(s.t, name), "")
		if err != nil {
			s.t.Fatal(err)
		}
		d.Scripts = append(d.Scripts, scripts.Script{Name: name, Module: m.Digest})
	}
	if _, err := api.Deploy(s.t.Context(), d); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) api() *adminapi.API { return &adminapi.API{Base: s.admin.URL, Token: adminToken} }

func (e *exchange) want(status int) *exchange {
	e.t.Helper()
	if e.status != status {
		e.t.Fatalf("got %d %s, want %d", e.status, e.body, status)
	}
	return e
}

func (e *exchange) json() map[string]any {
	e.t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(e.body), &members); err != nil {
		e.t.Fatalf("%s: %v", e.body, err)
	}
	return members
}

// wantHeader checks the value of a header; "" means that it must be missing.
func (e *exchange) wantHeader(name, value string) *exchange {
	e.t.Helper()
	if got := e.header.Get(name); got != value {
		e.t.Errorf("%s: got %q, want %q", name, got, value)
	}
	return e
}

// wantChallenge checks that the challenge has the error and the description of the body (RFC 6750 §3).
func (e *exchange) wantChallenge(code string) *exchange {
	e.t.Helper()
	description, _ := e.json()["error_description"].(string)
	if description == "" {
		e.t.Errorf("no error_description: %s", e.body)
	}
	return e.wantMembers(map[string]any{"error": code}).
		wantHeader("WWW-Authenticate",
			`Bearer realm="registrar", error="`+code+`", error_description="`+description+`"`)
}

// wantMembers checks members of a JSON response; nil means that a member must be missing.
func (e *exchange) wantMembers(want map[string]any) *exchange {
	e.t.Helper()
	checkMembers(e.t, e.json(), want)
	return e
}

func checkMembers(t testing.TB, got, want map[string]any) {
	t.Helper()
	for name, value := range want {
		have, there := got[name]
		a, _ := json.Marshal(have, json.Deterministic(true))
		b, _ := json.Marshal(value, json.Deterministic(true))
		if there != (value != nil) || there && string(a) != string(b) {
			t.Errorf("%s: got %s, want %s", name, a, b)
		}
	}
}

// databases runs a test on SQLite and on MySQL.
func databases(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("SQLite", func(t *testing.T) { test(t, "") })
	t.Run("MySQL", func(t *testing.T) { test(t, "mysql:"+storetest.MySQL(t)) })
}
