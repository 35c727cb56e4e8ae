package server_test

import (
	"cmp"
	"crypto/sha256"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"registrar/internal/token"
	"registrar/server/adminapi"
)

// roleRow matches a row of the table of roles in docs/http.md.
var roleRow = regexp.MustCompile("(?m)^\\| `([A-Z]+) (/admin/v1[^`]*)` \\| ((?:`[a-z]+`(?:, )?)+) \\|$")

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
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("docs/http.md (-) and openapi.yaml (+) differ:\n%s", diff)
	}
}

// withRoles stores an admin token with roles and returns it.
func (s *site) withRoles(roles ...token.Role) string {
	s.t.Helper()
	secret := "a-token-of-" + cmp.Or(token.EncodeRoles(roles), "nobody")
	added, err := s.store.AddAdminToken(s.t.Context(), token.Admin{ID: secret, Hash: sha256.Sum256([]byte(secret)),
		Role: token.EncodeRoles(roles), CreatedAt: time.Now().UTC().Truncate(time.Microsecond)})
	if err != nil || !added {
		s.t.Fatal(added, err)
	}
	return secret
}

// state returns what the calls of the admin API may change.
func (s *site) state() (state string) {
	s.t.Helper()
	for _, path := range []string{adminapi.PathModules, adminapi.PathDeployments, adminapi.PathClients,
		adminapi.PathInitialAccessTokens} {
		state += s.call("GET", path, "").want(http.StatusOK).body
	}
	return state
}

// Each route lets exactly the roles through that docs/http.md names. A route that is not in the table fails. What is
// refused changes nothing, and says which roles it needs.
func TestRolesOfEveryRoute(t *testing.T) {
	s := newSite(t, setup{})
	table, calls := documentedRoles(t), actions(s)
	credentials := map[token.Role]string{"": s.withRoles()}
	for _, role := range token.Roles() {
		credentials[role] = s.withRoles(role)
	}
	routes := slices.DeleteFunc(allRoutes(t), func(r route) bool {
		return r.listener != "admin" || !strings.HasPrefix(r.path, adminapi.Prefix)
	})
	for _, r := range routes {
		method := r.method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		allowed, known := table[method+" "+parameter.ReplaceAllString(r.path, "{}")]
		if !known {
			t.Errorf("%s %s is not in the table of docs/http.md", r.method, r.path)
			continue
		}
		path, body := parameter.ReplaceAllString(r.path, "1"), ""
		if a, changes := calls[r.method+" "+r.path]; changes {
			path, body = a.path, a.body
		}
		before := s.state()
		for _, role := range slices.Sorted(maps.Keys(credentials)) {
			may := role == token.RoleAdmin || slices.Contains(allowed, string(role))
			if may {
				continue
			}
			e := s.do(r.method, s.admin.URL+path, body, "Authorization: Bearer "+credentials[role]).
				want(http.StatusForbidden)
			for _, name := range append(allowed, "admin", "insufficient_scope") {
				if !strings.Contains(e.header.Get("WWW-Authenticate"), name) {
					t.Errorf("%s %s as %q: the challenge %q does not name %s", r.method, r.path, role,
						e.header.Get("WWW-Authenticate"), name)
				}
			}
		}
		if after := s.state(); after != before {
			t.Errorf("%s %s: what was refused changed\n%s\nto\n%s", r.method, r.path, before, after)
		}
		for _, role := range append(allowed, "admin") {
			e := s.do(r.method, s.admin.URL+parameter.ReplaceAllString(r.path, "1"), "",
				"Authorization: Bearer "+credentials[token.Role(role)])
			if e.status == http.StatusForbidden || e.status == http.StatusUnauthorized {
				t.Errorf("%s %s as %s: got %d %s", r.method, r.path, role, e.status, e.body)
			}
		}
	}
	s.do("GET", s.admin.URL+"/admin/v1/nothing", "", "Authorization: Bearer "+credentials[""]).want(http.StatusForbidden)
	s.do("GET", s.admin.URL+"/admin/v1/nothing", "", "Authorization: Bearer "+credentials["read"]).want(http.StatusNotFound)
}
