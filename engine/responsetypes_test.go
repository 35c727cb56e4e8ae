package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestResponseTypeGrammar(t *testing.T) {
	for s, want := range map[string]bool{
		"code": true, "code id_token token": true, "none": true, "_X9": true,
		"": false, " ": false, " code": false, "code ": false, "code  token": false, "code\ttoken": false, "code\n": false,
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
				return errors.Join(base(ctx, r), r.PatchMetadata("set_grant_types", []byte(members)))
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
	for _, s := range []string{"code ", "code\u00a0id_token", "code  id_token", "\u00a0code", "code code", "code urn:x"} {
		c.Overrides = patch(`{"grant_types":["authorization_code","implicit"],"response_types":["code id_token","` + s + `"]}`)
		_, err := register(t, c, body)
		if broken, ok := errors.AsType[*InvariantError](err); !ok || !strings.Contains(broken.Rule, "response_types[1]") {
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
