package engine

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

func TestResponseTypeGrammar(t *testing.T) {
	for s, want := range map[string]bool{
		"code": true, "code id_token token": true, "none": true, "_X9": true,
		"": false, " ": false, " code": false, "code ": false, "code  token": false, "code\ttoken": false,
		"code\n":     false,
		"\u00a0code": false, "code-token": false, "urn:x": false, "code code": false, "code token code": false,
		"códe": false, strings.Repeat("a ", 100) + "b": false,
		"a b c d e f g h i j k l m n o p": true, "a b c d e f g h i j k l m n o p q": false, // 16 and 17 names
	} {
		if got := isResponseType(s); got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
	}
}

func TestResponseTypesAreComparedWordByWord(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"code", "code", true},
		{"code id_token", "id_token code", true},
		{"a b c", "c a b", true},
		{"code", "Code", false},
		{"code token", "code  token", false},
		{"code token", "token code ", false},
		{"code token", "code code ", false},
		{"a b c", "a a b", false},
		{"a b", "a\u00a0b", false},
		{"ab c", "a bc", false},
		{"code", "", false},
		{"code", "    ", false},
		{"a b c", "     ", false},
	} {
		if got := sameWords(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q: got %v, want %v", tt.a, tt.b, got, tt.want)
		}
		if got := sameWords(tt.b, tt.a); got != tt.want {
			t.Errorf("%q and %q: got %v, want %v", tt.b, tt.a, got, tt.want)
		}
	}
}

func TestAllowedResponseTypesAreResponseTypes(t *testing.T) {
	for _, s := range []string{"", " code", "code code", "code\u00a0token", "a-b"} {
		if err := (Options{AllowedResponseTypes: []string{"code", s}}).Validate(); err == nil {
			t.Errorf("%q is a valid option", s)
		}
	}
}

// A script's response types are spelled as the server lists them, and must be response types.
func TestScriptsSetResponseTypes(t *testing.T) {
	const body = `{"redirect_uris":["https://app.example/cb"]}`
	patch := func(members string) Overrides {
		return override(func(_ *Registration, s *Steps) {
			base := s.SetGrantTypes
			s.SetGrantTypes = func(ctx context.Context, r *Registration) error {
				return errors.Join(base(ctx, r), r.PatchMetadata(Patcher{Step: "set_grant_types"}, []byte(members)))
			}
		})
	}
	c := Config{Options: implicitAllowed, Overrides: patch(
		`{"grant_types":["authorization_code","implicit"],"response_types":["id_token code","my_type code"]}`)}
	got, err := register(t, c, body)
	if err != nil {
		t.Fatal(err)
	}
	checkMembers(t, got, `{"response_types":["code id_token","my_type code"]}`)
	for _, s := range []string{"code ", "code\u00a0id_token", "code  id_token", "\u00a0code", "code code",
		"code urn:x"} {
		c.Overrides = patch(`{"grant_types":["authorization_code","implicit"],` +
			`"response_types":["code id_token","` + s + `"]}`)
		_, err := register(t, c, body)
		if broken, ok := errors.AsType[*InvariantError](err); !ok ||
			!strings.Contains(broken.Rule, "response_types[1]") {
			t.Errorf("%q: got %v, want a broken invariant of response_types[1]", s, err)
		}
	}
	c.Overrides = override(func(_ *Registration, s *Steps) {
		s.SetScopes = func(_ context.Context, r *Registration) error {
			r.Client.Metadata.ResponseTypes = []string{"id_token code"}
			r.Client.Metadata.GrantTypes = []string{"authorization_code", "implicit"}
			return nil
		}
	})
	if _, err := register(t, c, body); err == nil || !strings.Contains(err.Error(), "must be 'code id_token'") {
		t.Errorf("another order: got %v", err)
	}
}

var responseTypeGrammar = regexp.MustCompile(`^[0-9A-Za-z_]+( [0-9A-Za-z_]+)*$`)

// FuzzWords registers response types and scopes, and compares the result with the grammars of RFC 6749.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"code", "id_token code", "code id_token", "token code id_token", "code ", " code",
		"code  id_token",
		"\u00a0code", "code\n", "code\tid_token", "code code", "Code", "none", ""} {
		f.Add(s, "a b")
		f.Add("code", s)
	}
	f.Add("code", strings.Repeat("a ", 40)+repeatedWords(40))
	allowed := []string{"code", "id_token", "code id_token", "code id_token token"}
	e := newEngine(f, Config{Store: discard{}, Options: Options{AllowedResponseTypes: allowed,
		AllowedGrantTypes: []string{"authorization_code", "implicit"}}})
	f.Fuzz(func(t *testing.T, response, scope string) {
		body, err := json.Marshal(map[string]any{"redirect_uris": []string{"https://app.example/cb"},
			"grant_types":    []string{"authorization_code", "implicit"},
			"response_types": []string{"code id_token", response}, "scope": scope})
		if err != nil {
			return // not UTF-8
		}
		request, err := ParseRequest(body)
		if err != nil {
			return
		}
		r, err := e.Register(t.Context(), request, &Caller{Auth: AuthNone})
		if _, refused := errors.AsType[*Error](err); refused {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		want := []string{"code id_token"}
		if responseTypeGrammar.MatchString(response) {
			sent := strings.Split(response, " ")
			slices.Sort(sent)
			for _, a := range allowed {
				listed := strings.Split(a, " ")
				slices.Sort(listed)
				if slices.Equal(sent, listed) && a != want[0] {
					want = append(want, a)
				}
			}
		}
		m := &r.Client.Metadata
		if !slices.Equal(m.ResponseTypes, want) {
			t.Errorf("%q: got %q, want %q", response, m.ResponseTypes, want)
		}
		tokens := map[string]bool{}
		for _, s := range strings.Split(m.Scope, " ") {
			if m.Scope != "" && (!IsScopeToken(s) || tokens[s]) {
				t.Errorf("%q: registered the scope %q", scope, m.Scope)
			}
			tokens[s] = true
		}
		for _, s := range strings.Split(scope, " ") {
			if s != "" && !tokens[s] {
				t.Errorf("%q: the scope %q is lost in %q", scope, s, m.Scope)
			}
		}
	})
}
