package server_test

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/token"
	"registrar/server"
	"registrar/server/adminapi"
)

func TestAdminTokensOverHTTP(t *testing.T) { databases(t, testAdminTokensOverHTTP) }

func testAdminTokensOverHTTP(t *testing.T, database string) {
	s := newSite(t, setup{database: database})
	post := func(body string) *exchange { return s.call("POST", adminapi.PathAdminTokens, body) }
	made := post(`{"label":"Ada","roles":["tokens","read","read"]}`).want(http.StatusCreated).
		wantMembers(map[string]any{"label": "Ada", "roles": []string{"tokens", "read"}}).json()
	created, err := time.Parse(time.RFC3339, made["created_at"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if want := created.Add(token.DefaultAdminLifetime).Format(time.RFC3339Nano); made["expires_at"] != want ||
		!strings.HasPrefix(made["created_by"].(string), "admin token ") || len(made["token"].(string)) != 43 {
		t.Errorf("got %v, want an expiry at %s, by the configured token", made, want)
	}
	post(`{"label":"Ada","roles":["read"]}`).want(http.StatusConflict)
	for _, never := range []string{"0", "1"} {
		e := post(`{"label":"expires in ` + never + `","roles":["admin"],"expires_in":` + never + `}`).
			want(http.StatusCreated)
		if _, expires := e.json()["expires_at"]; expires != (never == "1") {
			t.Errorf("expires_in %s: got %s", never, e.body)
		}
	}
	list, err := s.api().AdminTokens(t.Context())
	if err != nil || len(list) != 3 || list[0].Label != "Ada" || list[0].Token != "" || list[0].UsedAt != nil {
		t.Fatalf("got %+v and %v", list, err)
	}
	s.do("GET", s.admin.URL+adminapi.PathAdminTokens, "", "Authorization: Bearer "+made["token"].(string)).
		want(http.StatusOK)
	if list, err = s.api().AdminTokens(t.Context()); err != nil || list[0].UsedAt == nil {
		t.Errorf("after a use: got %+v and %v", list, err)
	}
	path := adminapi.PathAdminTokens + "/" + list[0].ID
	s.call("DELETE", path+"?force=yes", "").want(http.StatusBadRequest)
	s.call("DELETE", path, "").want(http.StatusNoContent)
	s.call("DELETE", path, "").want(http.StatusNotFound)
	s.do("GET", s.admin.URL+adminapi.PathAdminTokens, "", "Authorization: Bearer "+made["token"].(string)).
		want(http.StatusUnauthorized)
}

// The last token with the role admin is revoked by force only, unless there are administrators elsewhere.
func TestLastAdminToken(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		s := newSite(t, setup{})
		tokens := token.NewAdministrators(token.AdministratorsConfig{Tokens: s.store, Elsewhere: elsewhere})
		srv, err := server.New(server.Config{Administrator: tokens.Find, AdminTokens: tokens})
		if err != nil {
			t.Fatal(err)
		}
		s.admin.Config.Handler = checked(t, "admin", srv.Admin())
		s.addAdminToken("the-only-one", token.Admin{Roles: []token.Role{token.RoleAdmin}})
		s.addAdminToken("a-reader", token.Admin{Roles: []token.Role{token.RoleRead}})
		revoke := func(query string) *exchange {
			return s.do("DELETE", s.admin.URL+adminapi.PathAdminTokens+"/the-only-one"+query, "",
				"Authorization: Bearer the-only-one")
		}
		if !elsewhere {
			if e := revoke("").want(http.StatusConflict); !strings.Contains(e.body, "force=true") {
				t.Errorf("got %s, want what to do", e.body)
			}
			revoke("?force=true").want(http.StatusNoContent)
		} else {
			revoke("").want(http.StatusNoContent)
		}
		revoke("").want(http.StatusUnauthorized)
	}
}

// Failing admin tokens count against their address. Good ones pass, also from there.
func TestFailingAdminTokensAreLimited(t *testing.T) {
	config := server.Config{RateLimit: 1e-6, RateBurst: 30, // of which a tenth may fail
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	s := newSite(t, setup{server: config})
	call := func(address, presented string) int {
		return s.do("GET", s.admin.URL+adminapi.PathModules, "", "Authorization: Bearer "+presented,
			"X-Forwarded-For: "+address).status
	}
	var got []int
	for range 5 {
		got = append(got, call("203.0.113.1", "unknown"))
	}
	const refused, limited = http.StatusUnauthorized, http.StatusTooManyRequests
	if want := []int{refused, refused, refused, limited, limited}; !slices.Equal(got, want) {
		t.Errorf("failing tokens: got %v, want %v", got, want)
	}
	reader := s.adminToken("reader", token.RoleTokens)
	for presented, want := range map[string]int{
		adminToken: http.StatusOK, reader: http.StatusForbidden, "other": limited,
	} {
		if got := call("203.0.113.1", presented); got != want {
			t.Errorf("from the address that is limited: got %d, want %d", got, want)
		}
	}
	if got := call("203.0.113.2", "unknown"); got != refused {
		t.Errorf("from another address: got %d, want %d", got, refused)
	}
}
