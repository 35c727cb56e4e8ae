package bearer_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"registrar/internal/token"
	"registrar/server/bearer"
)

func TestAdministrators(t *testing.T) {
	key := newKey(t)
	trusted := map[string]bearer.Issuer{issuer: {Keys: newSet(t, "k", key), Audiences: []string{audience}}}
	a, err := bearer.NewAdministrators(bearer.AdministratorsConfig{Issuers: trusted, Claim: "groups",
		Roles: map[string][]token.Role{"owners": {token.RoleAdmin}, "support": {token.RoleClients, token.RoleTokens},
			"on call": {token.RoleRead, token.RoleClients}},
		Now: func() time.Time { return time.Unix(now, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		claims claims
		roles  []token.Role
		want   string // part of the error; "" means a valid token
	}{
		{"a list", claims{"groups": []string{"x", "support", "on call"}},
			[]token.Role{token.RoleClients, token.RoleTokens, token.RoleRead}, ""},
		{"a string", claims{"groups": "on call"}, []token.Role{token.RoleRead, token.RoleClients}, ""},
		{"words", claims{"groups": "x owners"}, nil, ""},
		{"words in a list", claims{"groups": []string{"x owners"}}, nil, ""},
		{"another spelling", claims{"groups": "Owners"}, nil, ""},
		{"a role that no value means", claims{"groups": "admin"}, nil, ""},
		{"another claim", claims{"roles": "owners"}, nil, ""},
		{"no claim", nil, nil, ""},
		{"null", claims{"groups": []any{}}, nil, ""},
		{"a number", claims{"groups": 1}, nil, "groups has a wrong type"},
		{"an object", claims{"groups": claims{"owners": true}}, nil, "groups has a wrong type"},
		{"another audience", claims{"groups": "owners", "aud": "https://other.example"}, nil, "audience"},
		{"no expiry", claims{"groups": "owners", "exp": nil}, nil, "no exp"},
		{"expired", claims{"groups": "owners", "exp": now - 31}, nil, "expired"},
		{"another issuer", claims{"groups": "owners", "iss": "https://other.example"}, nil, "not trusted"},
		{"no subject", claims{"groups": "owners", "sub": nil}, nil, "its sub shows nothing"},
		{"a subject of two lines", claims{"groups": "owners", "sub": "a\nb"}, nil,
			"its sub holds the control character"},
		{"a long subject", claims{"groups": "owners", "sub": strings.Repeat("a", 256)}, nil,
			"its sub has 256 characters"},
	} {
		got, err := a.Verify(t.Context(), sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: key}, "",
			good(tt.claims)))
		if tt.want != "" {
			if !errors.Is(err, bearer.ErrInvalid) || !strings.Contains(err.Error(), tt.want) || got != nil {
				t.Errorf("%s: got %+v and %v, want an error with %q", tt.name, got, err, tt.want)
			}
			continue
		}
		want := &token.Administrator{Name: "someone", Issuer: issuer, Roles: tt.roles}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, want (-) and got (+):\n%s", tt.name, err, diff)
		}
	}
	forged := sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: newKey(t)}, "", good(claims{"groups": "owners"}))
	if got, err := a.Verify(t.Context(), forged); !errors.Is(err, bearer.ErrInvalid) || got != nil {
		t.Errorf("a stranger's key: got %+v and %v", got, err)
	}
	if !a.Grant(token.RoleTokens) || a.Grant(token.RoleScripts) ||
		(*bearer.Administrators)(nil).Grant(token.RoleAdmin) {
		t.Error("want the roles that values mean to be granted, others not, and none by nil")
	}
	for name, c := range map[string]bearer.AdministratorsConfig{
		"no roles":  {Issuers: trusted},
		"no issuer": {Roles: map[string][]token.Role{"owners": {token.RoleAdmin}}},
	} {
		if _, err := bearer.NewAdministrators(c); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// TestAdministratorsByScope reads roles from a claim that holds several values in one string.
func TestAdministratorsByScope(t *testing.T) {
	key := newKey(t)
	trusted := map[string]bearer.Issuer{issuer: {Keys: newSet(t, "k", key), Audiences: []string{audience}}}
	for _, claim := range []string{"scope", "scp"} {
		a, err := bearer.NewAdministrators(bearer.AdministratorsConfig{Issuers: trusted, Claim: claim,
			Roles: map[string][]token.Role{"owners": {token.RoleAdmin}, "on call": {token.RoleRead}},
			Now:   func() time.Time { return time.Unix(now, 0) }})
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			value any
			roles []token.Role
		}{
			{"openid owners", []token.Role{token.RoleAdmin}},
			{"owners", []token.Role{token.RoleAdmin}},
			{"openid\towners", nil},
			{"on call", nil},
			{[]string{"x", "owners"}, []token.Role{token.RoleAdmin}},
			{[]string{"openid owners"}, nil},
		} {
			got, err := a.Verify(t.Context(),
				sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: key}, "", good(claims{claim: tt.value})))
			want := &token.Administrator{Name: "someone", Issuer: issuer, Roles: tt.roles}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s %q: %v, want (-) and got (+):\n%s", claim, tt.value, err, diff)
			}
		}
	}
}
