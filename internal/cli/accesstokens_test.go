package cli

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"registrar/internal/keyset"
	"registrar/internal/servertest"
	"registrar/server/bearer"
)

const (
	anIssuer = "https://a.example"
	another  = "https://b.example/?x=1"
)

// ofIssuers returns the flags of two issuers of access tokens, and more.
func ofIssuers(more ...string) []string {
	return append([]string{"serve", "--public-url=https://register.example", "--jwt-scope=registration",
		"--jwt-issuer=" + anIssuer + "=https://a.example/jwks", "--jwt-issuer=" + another + "=https://b.example/jwks"},
		more...)
}

func TestRulesOfIssuers(t *testing.T) {
	byDefault := []string{"https://register.example"}
	for _, tt := range []struct {
		name  string
		flags []string
		want  map[string]bearer.Issuer
	}{
		{"by default", nil, map[string]bearer.Issuer{anIssuer: {Audiences: byDefault},
			another: {Audiences: byDefault}}},
		{"for all", []string{"--jwt-audience=api", "--jwt-scope-claim=roles", "--jwt-scope-claim=scope",
			"--jwt-require=use=access"},
			map[string]bearer.Issuer{
				anIssuer: {Audiences: []string{"api"}, ScopeClaims: []string{"roles", "scope"},
					Require: []bearer.Requirement{{Claim: "use", Value: "access"}}},
				another: {Audiences: []string{"api"}, ScopeClaims: []string{"roles", "scope"},
					Require: []bearer.Requirement{{Claim: "use", Value: "access"}}},
			}},
		{"for one", []string{"--jwt-audience=" + another + "=none",
			"--jwt-scope-claim=" + another + "=https://b.example/roles",
			"--jwt-require=" + another + "=use=access", "--jwt-require=" + another + "=client=a=="},
			map[string]bearer.Issuer{
				anIssuer: {Audiences: byDefault},
				another: {AnyAudience: true, ScopeClaims: []string{"https://b.example/roles"},
					Require: []bearer.Requirement{{Claim: "use", Value: "access"}, {Claim: "client", Value: "a=="}}},
			}},
		{"for one and for all", []string{"--jwt-audience=api,https://b.example/api", "--jwt-audience=" + anIssuer +
			"=https://a.example/?y=1",
			"--jwt-scope-claim=scope", "--jwt-scope-claim=" + anIssuer + "=roles", "--jwt-require=use=access",
			"--jwt-require=" + anIssuer + "=ver=2"},
			map[string]bearer.Issuer{
				anIssuer: {Audiences: []string{"https://a.example/?y=1"}, ScopeClaims: []string{"roles"},
					Require: []bearer.Requirement{{Claim: "use", Value: "access"}, {Claim: "ver", Value: "2"}}},
				another: {Audiences: []string{"api", "https://b.example/api"}, ScopeClaims: []string{"scope"},
					Require: []bearer.Requirement{{Claim: "use", Value: "access"}}},
			}},
		{"a claim whose name is a URL", []string{"--jwt-require=https://a.example/role=admin"},
			map[string]bearer.Issuer{
				anIssuer: {Audiences: byDefault,
					Require: []bearer.Requirement{{Claim: "https://a.example/role", Value: "admin"}}},
				another: {Audiences: byDefault,
					Require: []bearer.Requirement{{Claim: "https://a.example/role", Value: "admin"}}},
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			commands, err := parse(t, ofIssuers(tt.flags...)...)
			if err != nil {
				t.Fatal(err)
			}
			f := &commands.Serve.registrationFlags
			sets, err := keyset.ParseIssuers(f.JWTIssuer, keyset.Config{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.issuers(sets, "https://register.example")
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(bearer.Issuer{}, "Keys")); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if _, err := commands.Serve.parse(slog.New(slog.DiscardHandler), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// The configuration file has the same forms.
func TestRulesOfIssuersInAFile(t *testing.T) {
	file := servertest.File(t, "config.yaml", `jwt-issuer:
  - https://a.example=https://a.example/jwks
  - https://b.example/?x=1=https://b.example/jwks
jwt-scope: registration
jwt-scope-claim: roles
jwt-audience: [api, "https://b.example/?x=1=none"]
jwt-require:
  - https://b.example/?x=1=token_use=access
`)
	commands, err := parse(t, "serve", "--config="+file)
	if err != nil {
		t.Fatal(err)
	}
	f := &commands.Serve.registrationFlags
	sets, err := keyset.ParseIssuers(f.JWTIssuer, keyset.Config{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.issuers(sets, "")
	want := map[string]bearer.Issuer{
		anIssuer: {Audiences: []string{"api"}, ScopeClaims: []string{"roles"}},
		another: {AnyAudience: true, ScopeClaims: []string{"roles"},
			Require: []bearer.Requirement{{Claim: "token_use", Value: "access"}}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(bearer.Issuer{}, "Keys")); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestRulesOfIssuersRefuse(t *testing.T) {
	for _, tt := range []struct{ name, flags, want string }{
		{"no audience and no required claim", "--jwt-audience=none",
			"--jwt-audience none needs a --jwt-require for the issuer https://a.example"},
		{"a required claim of another issuer", "--jwt-audience=none --jwt-require=" + anIssuer + "=use=access",
			"needs a --jwt-require for the issuer " + another},
		{"none and another audience", "--jwt-audience=none --jwt-audience=api --jwt-require=a=b",
			"none excludes others"},
		{"an audience of an unknown issuer", "--jwt-audience=https://c.example=none",
			"ISSUER=AUDIENCE with an issuer of --jwt-issuer, which are https://a.example, " + another},
		{"an issuer that is spelt otherwise", "--jwt-scope-claim=" + anIssuer + "/=roles",
			"ISSUER=NAME with an issuer of --jwt-issuer"},
		{"a required claim of an unknown issuer", "--jwt-require=https://c.example=use=access",
			"ISSUER=CLAIM=VALUE with an issuer of --jwt-issuer"},
		{"a required claim without a value", "--jwt-require=use", "must be CLAIM=VALUE"},
		{"an empty required value", "--jwt-require=use=", "must be CLAIM=VALUE"},
		{"a required value without a claim", "--jwt-require==access", "must be CLAIM=VALUE"},
		{"an issuer's required claim without a value", "--jwt-require=" + another + "=use", "must be CLAIM=VALUE"},
		{"an empty audience of an issuer", "--jwt-audience=" + anIssuer + "=", "must be AUDIENCE or ISSUER=AUDIENCE"},
		{"an empty scope claim", "--jwt-scope-claim=" + anIssuer + "=", "must be NAME or ISSUER=NAME"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			commands, err := parse(t, ofIssuers(strings.Fields(tt.flags)...)...)
			if err != nil {
				t.Fatal(err)
			}
			_, err = commands.Serve.parse(slog.New(slog.DiscardHandler), nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}
