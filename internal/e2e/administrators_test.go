package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/go-json-experiment/json"

	"registrar/internal/servertest"
	"registrar/internal/token"
	"registrar/server/adminapi"
)

// as runs a command for a running server with an admin token.
func (p *process) as(token string, args ...string) result {
	p.t.Helper()
	return runProgram(p.t, p.cmd.Path, p.folder, []string{"REGISTRAR_ADMIN_TOKEN=" + token},
		append(args, "--server", p.admin)...)
}

// wantFailure fails the test unless a command failed and says something.
func wantFailure(t *testing.T, r result, says string) {
	t.Helper()
	if r.code != exitFailed || !strings.Contains(r.err, says) {
		t.Errorf("got exit code %d and %s, want %q", r.code, r.err, says)
	}
}

const refused = "the admin token is not valid"

func TestAdminTokenCommands(t *testing.T) { onEveryDatabase(t, testAdminTokenCommands) }

// An operator gives tokens to others, replaces that of the first start, and takes all back.
func testAdminTokenCommands(t *testing.T, flag string) {
	folder := t.TempDir()
	a := start(t, folder, flag)
	create := func(args ...string) adminapi.AdminToken {
		t.Helper()
		return answer[adminapi.AdminToken](t, a, append([]string{"admin-token", "create"}, args...)...)
	}
	lookup := create("--label=authorization server", "--role=lookup", "--expires-in=0")
	ops := create("--label=Ada", "--role=admin", "--expires-in=1h")
	brief := create("--label=brief", "--role=read,tokens", "--expires-in=1s")

	// Roles.
	id := a.register(minimal).ClientID
	must(t, a.as(lookup.Token, "client", "get", id))
	wantFailure(t, a.as(lookup.Token, "client", "list"), "a list of clients needs the role clients, read or admin")
	wantFailure(t, a.as(lookup.Token, "client", "delete", id), "this call needs the role clients or admin")
	wantFailure(t, a.as(lookup.Token, "admin-token", "create", "--label=x", "--role=admin"),
		"this call needs the role admin")
	must(t, a.command("client", "get", id))
	eventually(t, "the token has expired", func() bool {
		r := a.as(brief.Token, "client", "list")
		return r.code == exitFailed && strings.Contains(r.err, refused)
	})

	// The log and rows name the label.
	must(t, a.as(ops.Token, "script", "deploy", servertest.File(t, "none.json", `{"scripts":[]}`)))
	line := a.logged("deployment appended")
	d := answer[adminapi.Deployments](t, a, "script", "deployments").Deployments[0]
	if line == nil || line["by"] != "Ada" || d.CreatedBy != "Ada" {
		t.Errorf("got the line %v and the deployment %+v, want both by Ada", line, d)
	}

	// The first start's token is not needed any more.
	b := start(t, folder, flag)
	if b.logged(token.SpareNote) == nil || a.logged(token.SpareNote) != nil {
		t.Errorf("want the second start to say that the first token can go:\n%s", b.log)
	}
	if r := runCheck(t, folder, flag); !strings.Contains(r.out, token.SpareNote) {
		t.Errorf("check: got %s", r.out)
	}
	must(t, a.as(ops.Token, "admin-token", "revoke", token.FirstID))
	wantFailure(t, a.command("client", "list"), refused)
	eventually(t, "the other server refuses it", func() bool {
		r := b.command("client", "list")
		return r.code == exitFailed && strings.Contains(r.err, refused)
	})
	wantFailure(t, a.as(ops.Token, "admin-token", "revoke", ops.ID), token.ErrLast.Error())

	// A clean stop writes the last uses.
	for _, p := range []*process{a, b} {
		if code := p.stop(); code != exitDone {
			t.Errorf("exit code %d:\n%s", code, p.log)
		}
	}
	a = start(t, folder, flag)
	line = a.logged("listening")
	if !strings.Contains(line["admin_token"].(string), "was revoked, or belongs to another") {
		t.Errorf("got %v", line)
	}
	var list adminapi.AdminTokens
	listed := must(t, a.as(ops.Token, "admin-token", "list", "--output=json"))
	if err := json.Unmarshal([]byte(listed.out), &list); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list.Tokens, func(t adminapi.AdminToken) bool { return t.ID == lookup.ID })
	if len(list.Tokens) != 3 || i < 0 || list.Tokens[i].UsedAt == nil || list.Tokens[i].CreatedBy != token.FirstID {
		t.Errorf("got %+v", list)
	}

	// Who lost theirs makes another one, in the database.
	wantFailure(t, a.as(ops.Token, "admin-token", "revoke", "nobody's"), "no token has this ID or label")
	if r := must(t, a.as(ops.Token, "admin-token", "revoke", "Ada", "--force")); r.out != "revoked "+ops.ID+" (Ada)\n" {
		t.Errorf("got %q", r.out)
	}
	reset := func(args ...string) (made adminapi.AdminToken) {
		t.Helper()
		r := must(t, runBinary(t, folder, append([]string{"admin-token", "reset", flag, "--output=json"}, args...)...))
		if err := json.Unmarshal([]byte(r.out), &made); err != nil {
			t.Fatal(err)
		}
		return made
	}
	first, second := reset(), reset("--label=another", "--revoke-others", "--expires-in=0")
	eventually(t, "the new token works",
		func() bool { return a.as(second.Token, "admin-token", "list").code == exitDone })
	wantFailure(t, a.as(first.Token, "admin-token", "list"), refused)
	must(t, a.as(lookup.Token, "client", "get", id)) // it has not the role admin
	secrets := []string{lookup.Token, ops.Token, brief.Token, first.Token, second.Token}
	if strings.HasPrefix(flag, "--database=sqlite:") {
		for _, secret := range secrets {
			if bytes.Contains(databaseBytes(t, folder), []byte(secret)) {
				t.Error("the database has a token in the clear")
			}
		}
	}
	for _, secret := range secrets {
		if strings.Contains(a.log.String()+b.log.String(), secret) {
			t.Error("the log has a token")
		}
	}
}

func TestAdministratorsWithoutTokens(t *testing.T) {
	onEveryDatabase(t, testAdministratorsWithoutTokens)
}

// Administrators have JWTs of an issuer or certificates of an authority, and no token is made for them.
func testAdministratorsWithoutTokens(t *testing.T, flag string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(map[string]any{"keys": []any{jose.JSONWebKey{Key: key.Public(), KeyID: "k"}}})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}},
		nil)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(audience string, roles any) string {
		t.Helper()
		claims := map[string]any{"iss": "https://issuer.example", "aud": audience, "sub": "ada@issuer.example",
			"groups": roles, "exp": time.Now().Add(time.Hour).Unix()}
		token, err := jwt.Signed(signer).Claims(claims).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	folder, clients := t.TempDir(), servertest.NewAuthority(t)
	s := startSecured(t, folder, flag, "--admin-client-ca="+servertest.File(t, "clients.pem", clients.PEM),
		"--admin-issuer=https://issuer.example="+servertest.File(t, "jwks.json", string(set)),
		"--admin-audience=https://admin.example", "--admin-role-claim=groups",
		"--admin-role=owners=admin", "--admin-role=support=clients", "--admin-role=support=tokens",
		"--admin-cert-role=CN=probe,O=Example=read")
	if _, err := os.Stat(filepath.Join(folder, token.AdminFile)); !os.IsNotExist(err) {
		t.Errorf("the first start wrote a token: %v", err)
	}
	showing := func(name pkix.Name, args ...string) []string {
		t.Helper()
		cert, key := clients.Issue(t, &x509.Certificate{Subject: name})
		return append(args, "--server", s.admin, "--server-ca="+servertest.File(t, "ca.pem", s.authority.PEM),
			"--tls-client-cert="+servertest.File(t, "client.pem", cert),
			"--tls-client-key="+servertest.File(t, "client.key", key))
	}
	probe := pkix.Name{CommonName: "probe", Organization: []string{"Example"}}
	call := func(presented string, name pkix.Name, args ...string) result {
		t.Helper()
		var variables []string
		if presented != "" {
			variables = []string{"REGISTRAR_ADMIN_TOKEN=" + presented}
		}
		return runWith(t, folder, variables, showing(name, args...)...)
	}
	list := []string{"client", "list"}
	initial := []string{"token", "create", "--label=CI"}

	must(t, call("", probe, list...))
	wantFailure(t, call("", probe, initial...), "this call needs the role tokens or admin")
	wantFailure(t, call("", pkix.Name{CommonName: "probe"}, list...), "the admin API needs an admin token")
	support := signed("https://admin.example", []string{"other", "support"})
	must(t, call(support, pkix.Name{CommonName: "someone"}, list...))
	must(t, call(support, probe, initial...))
	// A token counts instead of the certificate.
	wantFailure(t, call(support, probe, "replica", "list"), "this call needs the role scripts, read or admin")
	must(t, call(signed("https://admin.example", "owners"), probe, "replica", "list"))
	wantFailure(t, call(signed("https://admin.example", []string{"admin"}), probe, list...), "this call needs the role")
	wantFailure(t, call(signed("https://register.example", "owners"), probe, list...), refused)
	must(t, call(signed("https://admin.example", "owners"), probe, "admin-token", "create", "--label=kept",
		"--role=read"))
	listed := must(t, call("", probe, "admin-token", "list", "--output=json"))
	var kept adminapi.AdminTokens
	if err := json.Unmarshal([]byte(listed.out), &kept); err != nil {
		t.Fatal(err)
	}
	if len(kept.Tokens) != 1 || kept.Tokens[0].CreatedBy != "ada@issuer.example" {
		t.Errorf("the database keeps %+v, want a token by the subject", kept.Tokens)
	}
	line := s.logged("initial access token created")
	if line == nil || line["by"] != "ada@issuer.example" || line["issuer"] != "https://issuer.example" {
		t.Errorf("got %v, want the subject and the issuer", line)
	}
}
