package server_test

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/internal/token"
	"registrar/server/adminapi"
)

// roleRow matches a row of the table of roles in docs/http.md.
var roleRow = regexp.MustCompile("(?m)^\\| `([A-Z]+) (/admin/v1[^`]*)` \\| ((?:`[a-z]+`(?:, )?)+) \\|$")

// anyAdmin is a row of calls that only the role admin may make.
const anyAdmin = "admin"

// documentedRoles returns the roles of each call of the admin API in docs/http.md, sorted, by method and path.
func documentedRoles(t testing.TB) map[string][]string {
	t.Helper()
	b, err := os.ReadFile("../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(b), "### Roles\n")
	section, _, _ = strings.Cut(section, "\n### ")
	table := map[string][]string{}
	for _, m := range roleRow.FindAllStringSubmatch(section, -1) {
		roles := strings.Split(strings.ReplaceAll(m[3], "`", ""), ", ")
		roles = slices.DeleteFunc(roles, func(role string) bool { return role == anyAdmin })
		table[m[1]+" "+parameter.ReplaceAllString(m[2], "{}")] = slices.Sorted(slices.Values(roles))
	}
	return table
}

// docs/http.md and openapi.yaml have the same roles for the same calls.
func TestRolesAreDocumented(t *testing.T) {
	want, got := documentedRoles(t), map[string][]string{}
	for path, item := range loadOpenAPI(t).Paths.Map() {
		for method, operation := range item.Operations() {
			if !strings.HasPrefix(path, adminapi.Prefix) {
				continue
			}
			roles := []string{}
			list, _ := operation.Extensions["x-roles"].([]any)
			for _, role := range list {
				roles = append(roles, role.(string))
			}
			got[method+" "+parameter.ReplaceAllString(path, "{}")] = slices.Sorted(slices.Values(roles))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/http.md (-) and openapi.yaml (+) differ:\n%s", diff)
	}
}

// adminToken creates an admin token and returns it.
func (s *site) adminToken(label string, roles ...token.Role) string {
	s.t.Helper()
	asked := adminapi.NewAdminToken{Label: label}
	for _, r := range roles {
		asked.Roles = append(asked.Roles, string(r))
	}
	made, err := s.api().CreateAdminToken(s.t.Context(), asked)
	if err != nil {
		s.t.Fatal(err)
	}
	return made.Token
}

// addAdminToken stores an admin token in the database, as another server does.
func (s *site) addAdminToken(secret string, t token.Admin) {
	s.t.Helper()
	t.ID, t.Label, t.Hash = secret, secret, t.HashOf(secret)
	t.CreatedAt = time.Now().UTC().Truncate(time.Microsecond)
	if added, err := s.store.AddAdminToken(s.t.Context(), t); err != nil || !added {
		s.t.Fatal(added, err)
	}
}

// usedAt matches the last use of an admin token.
var usedAt = regexp.MustCompile(`,"used_at":"[^"]*"`)

// state returns what the calls of the admin API may change, but not the last uses of tokens.
func (s *site) state() (state string) {
	s.t.Helper()
	for _, path := range []string{adminapi.PathModules, adminapi.PathDeployments, adminapi.PathClients,
		adminapi.PathInitialAccessTokens, adminapi.PathAdminTokens} {
		state += s.call("GET", path, "").want(http.StatusOK).body
	}
	return usedAt.ReplaceAllString(state, "")
}

// Each route lets exactly the roles through that docs/http.md names. A route that is not in the table fails. What is
// refused changes nothing, and says which roles it needs.
func TestRolesOfEveryRoute(t *testing.T) {
	host := newWebHost(t)
	s := newSite(t, host.resolving())
	table, calls := documentedRoles(t), actions(s, host.document("/c", ","+web))
	s.addAdminToken("no-role", token.Admin{})
	s.addAdminToken("expired", token.Admin{Roles: token.Roles(), ExpiresAt: time.Now()})
	revoked := s.adminToken("revoked", token.RoleAdmin)
	s.revoke("revoked")
	strangers := map[string]string{"no token": "", "an unknown token": "Bearer unknown",
		"an expired token": "Bearer expired", "a revoked token": "Bearer " + revoked,
		"another scheme": "Basic " + revoked}
	credentials := map[token.Role]string{"": "no-role"}
	for _, role := range token.Roles() {
		credentials[role] = s.adminToken("holds "+string(role), role)
	}
	for _, r := range allRoutes(t) {
		if r.listener != "admin" || !strings.HasPrefix(r.path, adminapi.Prefix) {
			continue
		}
		allowed, known := table[strings.Replace(r.method, "HEAD", "GET", 1)+" "+parameter.ReplaceAllString(r.path,
			"{}")]
		if !known {
			t.Errorf("%s %s is not in the table of docs/http.md", r.method, r.path)
			continue
		}
		plain := parameter.ReplaceAllString(r.path, "1")
		call := func(as string) *exchange { return s.do(r.method, s.admin.URL+plain, "", "Authorization: "+as) }
		if a, changes := calls[r.method+" "+r.path]; changes {
			call = func(as string) *exchange {
				return s.do(r.method, s.admin.URL+a.path, a.body, "Authorization: "+as)
			}
		}
		before := s.state()
		for name, as := range strangers {
			e := call(as).want(http.StatusUnauthorized)
			if sent := strings.HasPrefix(as, "Bearer "); sent !=
				strings.Contains(e.header.Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("%s %s with %s: the challenge is %q", r.method, r.path, name, e.header.Get("WWW-Authenticate"))
			}
		}
		for role, secret := range credentials {
			if role == token.RoleAdmin || slices.Contains(allowed, string(role)) {
				continue
			}
			challenge := call("Bearer " + secret).want(http.StatusForbidden).header.Get("WWW-Authenticate")
			for _, name := range append(slices.Clone(allowed), "admin", `error="insufficient_scope"`) {
				if !strings.Contains(challenge, name) {
					t.Errorf("%s %s as %q: the challenge %q does not name %s", r.method, r.path, role, challenge, name)
				}
			}
		}
		if after := s.state(); after != before {
			t.Errorf("%s %s: what was refused changed\n%s\nto\n%s", r.method, r.path, before, after)
		}
		target := s.admin.URL + plain
		if r.path == adminapi.PathClients {
			target += "?client_id=1" // without it, a look-up is a list, which needs another role
		}
		for _, role := range append(slices.Clone(allowed), "admin") {
			e := s.do(r.method, target, "", "Authorization: Bearer "+credentials[token.Role(role)])
			if e.status == http.StatusForbidden || e.status == http.StatusUnauthorized {
				t.Errorf("%s %s as %s: got %d %s", r.method, r.path, role, e.status, e.body)
			}
		}
	}
	for role, status := range map[token.Role]int{"": http.StatusForbidden, token.RoleRead: http.StatusNotFound} {
		for _, method := range []string{"GET", "OPTIONS"} {
			s.do(method, s.admin.URL+"/admin/v1/nothing", "", "Authorization: Bearer "+credentials[role]).want(status)
		}
	}
}

// revoke revokes the admin token with a label.
func (s *site) revoke(label string) {
	s.t.Helper()
	list, err := s.api().AdminTokens(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(t adminapi.AdminToken) bool { return t.Label == label })
	if err := s.api().RevokeAdminToken(s.t.Context(), list[i].ID); err != nil {
		s.t.Fatal(err)
	}
}
