package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
	"registrar/server/adminapi"
	"registrar/store/storetest"
	"registrar/store/storetest/mariadb"
)

// onEveryDatabase runs a test in parallel with the flag of an empty database of SQLite, MariaDB and MySQL.
func onEveryDatabase(t *testing.T, test func(t *testing.T, flag string)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, "--database=sqlite:registrar.db")
	})
	for _, kind := range []mariadb.Kind{mariadb.MariaDB, mariadb.MySQL} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			test(t, "--database=mysql:"+storetest.On(t, kind))
		})
	}
}

// A created is the answer to creating or updating a client.
type created struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
	Token  string `json:"registration_access_token"`
	Name   string `json:"client_name"`
}

// writes runs a command that prints a client information response.
func (p *process) writes(args ...string) (c created) {
	p.t.Helper()
	r := must(p.t, p.command(append(args, "--output=json")...))
	if err := json.Unmarshal([]byte(r.out), &c); err != nil {
		p.t.Fatalf("%v: %v\n%s", args, err, r.out)
	}
	return c
}

// verifiesSecret runs client verify-secret.
func (p *process) verifiesSecret(id, secret string) bool {
	p.t.Helper()
	file := servertest.File(p.t, "secret", secret)
	r := p.command("client", "verify-secret", id, "--client-secret-file", file)
	if want := map[int]string{exitDone: "valid\n", exitFailed: "not valid\n"}[r.code]; r.out != want {
		p.t.Fatalf("verify-secret: exit code %d: %s%s", r.code, r.out, r.err)
	}
	return r.code == exitDone
}

// An operator creates, changes, disables and enables clients, and gives them other secrets and tokens.
func TestClientsByHand(t *testing.T) {
	onEveryDatabase(t, func(t *testing.T, flag string) {
		folder := t.TempDir()
		p := start(t, folder, flag)
		must(t, p.command("script", "push", wasmtest.Path(t, "prefix-id"), "--deploy"))
		metadata := filepath.Join(folder, "client.json")
		if err := os.WriteFile(metadata, []byte(minimal), 0o600); err != nil {
			t.Fatal(err)
		}
		c := p.writes("client", "create", metadata, "--reason=ticket 7")
		if !strings.HasPrefix(c.ID, "acme-") || !p.verifiesSecret(c.ID, c.Secret) {
			t.Fatalf("got %+v, want an ID of the script and a valid secret", c.ID)
		}
		const chosen = "a-secret-that-the-operator-chose-0123456789"
		mine := p.writes("client", "create", metadata, "--no-scripts", "--client-id=mine", "--client-secret-file",
			servertest.File(t, "chosen", chosen))
		if mine.ID != "mine" || mine.Secret != chosen || !p.verifiesSecret("mine", chosen) {
			t.Errorf("got %+v, want the chosen ID and secret", mine)
		}
		if r := p.command("client", "create", metadata, "--client-id=mine"); r.code != exitFailed ||
			!strings.Contains(r.err, "taken") {
			t.Errorf("a taken ID: exit code %d: %s", r.code, r.err)
		}
		patch := servertest.File(t, "patch", `{"client_name":"By hand"}`)
		if got := p.writes("client", "update", c.ID, patch); got.Name != "By hand" || got.Secret+got.Token != "" {
			t.Errorf("updating: got %+v", got)
		}
		if got := p.writes("client", "update", c.ID, metadata, "--replace"); got.Name != "" {
			t.Errorf("replacing: got the name %q", got.Name)
		}

		own := managed{p: p, ID: c.ID, Token: c.Token}
		must(t, p.command("client", "disable", c.ID, "--reason=leaked"))
		own.want(http.MethodGet, "", http.StatusForbidden)
		own.want(http.MethodPut, `{"client_id":"`+c.ID+`",`+minimal[1:], http.StatusForbidden)
		own.want(http.MethodDelete, "", http.StatusForbidden)
		if p.verifiesSecret(c.ID, c.Secret) {
			t.Error("the secret of a disabled client is valid")
		}
		if text := must(t, p.command("client", "get", c.ID)).out; !strings.Contains(text, "disabled") ||
			!strings.Contains(text, ": leaked") || !strings.Contains(text, ": ticket 7") {
			t.Errorf("client get prints\n%s", text)
		}
		must(t, p.command("client", "enable", c.ID))
		own.want(http.MethodGet, "", http.StatusOK)

		rotated := answer[adminapi.RotatedSecret](t, p, "client", "rotate-secret", c.ID, "--grace=0")
		if !p.verifiesSecret(c.ID, rotated.ClientSecret) || p.verifiesSecret(c.ID, c.Secret) {
			t.Error("the rotated secret is not the only one that is valid")
		}
		reissued := answer[adminapi.ReissuedToken](t, p, "client", "reissue-token", c.ID)
		own.want(http.MethodGet, "", http.StatusUnauthorized)
		own.Token = reissued.AccessToken
		own.want(http.MethodGet, "", http.StatusOK)
		for _, secret := range []string{c.Secret, c.Token, chosen, rotated.ClientSecret, reissued.AccessToken} {
			if strings.Contains(p.log.String(), secret) {
				t.Errorf("the log shows a secret")
			}
		}
	})
}

// An operator finds clients, and deletes or disables those that match, after --dry-run and with --yes.
func TestManyClients(t *testing.T) {
	onEveryDatabase(t, func(t *testing.T, flag string) {
		p := start(t, t.TempDir(), flag)
		var alphas []string
		for _, body := range []string{`"client_name":"Alpha 1"`, `"client_name":"Beta","software_id":"s"`,
			`"client_name":"Alpha 2"`} {
			r := p.register(`{"redirect_uris":["https://app.example/cb"],` + body + `}`)
			if strings.Contains(body, "Alpha") {
				alphas = append(alphas, r.ClientID)
			}
		}
		found := func(args ...string) (ids []string) {
			for _, c := range answer[adminapi.Clients](t, p, append([]string{"client", "list"}, args...)...).Clients {
				ids = append(ids, c.ClientID)
			}
			slices.Sort(ids)
			return ids
		}
		slices.Sort(alphas)
		got := found("--name=alpha", "--never-seen", "--registered-after=1d", "--caller-network=127.0.0.0/8")
		if !slices.Equal(got, alphas) {
			t.Errorf("got %q, want %q", got, alphas)
		}
		if got := found("--software-id=s"); len(got) != 1 {
			t.Errorf("by software ID: got %q", got)
		}
		if got := found("--registered-before=2020-01-01"); got != nil {
			t.Errorf("before 2020: got %q", got)
		}
		for _, args := range [][]string{{"client", "delete"}, {"client", "disable", alphas[0], "--name=x"},
			{"client", "delete", "--name=alpha"}, {"client", "list", "--registered-after=soon"}} {
			if r := p.command(args...); r.code != exitUsage {
				t.Errorf("%v: exit code %d: %s%s", args, r.code, r.out, r.err)
			}
		}
		dry := must(t, p.command("client", "disable", "--name=alpha", "--dry-run")).out
		if !strings.Contains(dry, alphas[0]) || !strings.Contains(dry, "would disable 2 clients\n") {
			t.Errorf("the dry run prints\n%s", dry)
		}
		if got := found("--status=disabled"); got != nil {
			t.Errorf("after a dry run and refusals, %q are disabled", got)
		}
		code, printed := onTerminal(t, p.folder, "[y/N] ", "n\n", "client", "delete", "--name=alpha", "--server",
			p.admin)
		if code != exitFailed || !strings.Contains(printed, "Do you want to delete 2 clients?") ||
			!strings.Contains(printed, "nothing was changed") {
			t.Errorf("the answer no: exit code %d: %s", code, printed)
		}
		if out := must(t, p.command("client", "disable", "--name=alpha", "--yes", "--reason=old")).out; out !=
			"disabled 2 of 2 clients\n" {
			t.Errorf("disabling prints %q", out)
		}
		if got := found("--status=disabled"); !slices.Equal(got, alphas) {
			t.Errorf("disabled: got %q, want %q", got, alphas)
		}
		if out := must(t, p.command("client", "delete", "--status=disabled", "--yes")).out; out !=
			"deleted 2 of 2 clients\n" {
			t.Errorf("deleting prints %q", out)
		}
		if got := found(); len(got) != 1 {
			t.Errorf("got %q, want the client that was not deleted", got)
		}
	})
}
