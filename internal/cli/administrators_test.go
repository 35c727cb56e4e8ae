package cli

import (
	"crypto/x509"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"registrar/internal/servertest"
	"registrar/internal/token"
)

const oneKey = `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`

func TestAdministratorFlags(t *testing.T) {
	keys := servertest.File(t, "jwks.json", oneKey)
	issuer := "--admin-issuer=https://a.example=" + keys
	const audience, role = "--admin-audience=https://admin.example", "--admin-role=owners=admin"
	authority := servertest.NewAuthority(t)
	cert, key := authority.Issue(t, &x509.Certificate{})
	withCA := func(arg string) []string {
		return []string{arg, "--admin-client-ca=" + servertest.File(t, "clients.pem", authority.PEM),
			"--admin-tls-cert=" + servertest.File(t, "cert.pem", cert),
			"--admin-tls-key=" + servertest.File(t, "key.pem", key)}
	}
	for _, tt := range []struct {
		name string
		args []string
		want string // part of the error; "" means none
	}{
		{"none", nil, ""},
		{"an issuer", []string{issuer, audience, role}, ""},
		{"an audience for one issuer", []string{issuer, "--admin-audience=https://a.example=x", role}, ""},
		{"an audience without an issuer", []string{audience}, "--admin-audience and --admin-role need --admin-issuer"},
		{"roles without an issuer", []string{role}, "--admin-audience and --admin-role need --admin-issuer"},
		{"no audience", []string{issuer, role},
			"--admin-audience: name the audience of the tokens of https://a.example"},
		{"an audience of an unknown issuer", []string{issuer, "--admin-audience=https://b.example=x", role},
			"ISSUER=AUDIENCE with an issuer of --admin-issuer, which are https://a.example"},
		{"no role", []string{issuer, audience}, "--admin-issuer needs --admin-role VALUE=ROLE"},
		{"an unknown role", []string{issuer, audience, "--admin-role=owners=owner"},
			`the role "owner" must be one of admin, scripts, clients, tokens, lookup, read`},
		{"a role without a value", []string{issuer, audience, "--admin-role=admin"}, "must be VALUE=ROLE"},
		{"an empty value", []string{issuer, audience, "--admin-role==admin"}, "must be VALUE=ROLE"},
		{"an issuer without keys", []string{"--admin-issuer=https://a.example", audience, role}, "--admin-issuer"},
		{"a certificate without authorities", []string{"--admin-cert-role=CN=a=read"},
			"--admin-cert-role needs --admin-client-ca"},
		{"a subject that is no name", withCA("--admin-cert-role=ops=read"), "must be a distinguished name"},
		{"a subject that is too long", withCA("--admin-cert-role=CN=" + strings.Repeat("a", 253) + "=read"),
			"the subject has 256 characters: at most 255 are allowed"},
	} {
		commands, err := parse(t, append([]string{"serve"}, tt.args...)...)
		if err != nil {
			t.Fatal(err)
		}
		_, err = commands.Serve.parse(slog.New(slog.DiscardHandler), nil)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestReadRoles(t *testing.T) {
	got, err := readRoles("--admin-cert-role", "SUBJECT",
		[]string{"CN=ops,O=Example=read", "CN=ops,O=Example=scripts", "CN=ops,O=Example=read", "CN=a=admin"})
	want := map[string][]token.Role{"CN=ops,O=Example": {token.RoleRead, token.RoleScripts}, "CN=a": {token.RoleAdmin}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, want (-) and got (+):\n%s", err, diff)
	}
}
