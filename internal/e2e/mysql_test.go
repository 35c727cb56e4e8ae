package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/server/adminapi"
	"registrar/store/storetest"
	"registrar/store/storetest/mariadb"
)

// The other tests with a MySQL database run on MariaDB, unless REGISTRAR_TEST_DATABASE is mysql. This one has MySQL
// serve each kind of statement once: of the schema, scripts, registrations, management, lists and a restart.
func TestMySQL(t *testing.T) {
	t.Parallel()
	folder, database := t.TempDir(), "--database=mysql:"+storetest.On(t, mariadb.MySQL)
	must(t, runBinary(t, folder, "migrate", database))
	p := start(t, folder, database, "--no-migrate")
	pushed := answer[scripts.Deployment](t, p, "script", "push", wasmtest.Path(t, "prefix-id"), "--deploy")
	kept, gone := p.registerManaged(minimal), p.registerManaged(minimal)
	for _, c := range []managed{kept, gone} {
		if !strings.HasPrefix(c.ID, "acme-") {
			t.Errorf("the script's prefix is missing in the client ID %q", c.ID)
		}
	}

	updated := `{"client_id":"` + kept.ID + `","redirect_uris":["https://app.example/cb"],"client_name":"Näme 🦀"}`
	kept.want(http.MethodPut, updated, http.StatusOK)
	gone.want(http.MethodGet, "", http.StatusOK)
	gone.want(http.MethodDelete, "", http.StatusNoContent)
	gone.want(http.MethodGet, "", http.StatusUnauthorized)

	if code := p.stop(); code != exitDone {
		t.Errorf("exit code %d:\n%s", code, p.log)
	}
	p = start(t, folder, database)
	kept.p = p
	if got := kept.want(http.MethodGet, "", http.StatusOK); got["client_name"] != "Näme 🦀" {
		t.Errorf("after the restart, the client's name is %q", got["client_name"])
	}
	if found := answer[adminapi.Clients](t, p, "client", "list", "--q=näme"); len(found.Clients) != 1 ||
		found.Clients[0].ClientID != kept.ID {
		t.Errorf("searching found %+v, want %s", found.Clients, kept.ID)
	}
	if all := answer[adminapi.Clients](t, p, "client", "list"); len(all.Clients) != 1 {
		t.Errorf("got %d clients, want the one that was not deleted", len(all.Clients))
	}
	current := answer[adminapi.Deployments](t, p, "script", "deployments").Deployments
	if len(current) != 1 || current[0].Scripts[0].Module != pushed.Scripts[0].Module {
		t.Errorf("after the restart, the deployments are %+v", current)
	}
	if id := p.register(minimal).ClientID; !strings.HasPrefix(id, "acme-") {
		t.Errorf("after the restart, the client ID is %q", id)
	}
}

// A managed is a client that manages its registration (RFC 7592).
type managed struct {
	p     *process
	ID    string `json:"client_id"`
	Token string `json:"registration_access_token"`
}

// registerManaged registers a client over HTTP.
func (p *process) registerManaged(body string) managed {
	p.t.Helper()
	c, err := p.tryRegisterManaged(body)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// tryRegisterManaged is registerManaged for a goroutine other than the test's.
func (p *process) tryRegisterManaged(body string) (managed, error) {
	response, err := http.Post(p.public+"/register", "application/json", strings.NewReader(body))
	if err != nil {
		return managed{}, err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		return managed{}, err
	}
	c := managed{p: p}
	if response.StatusCode != http.StatusCreated {
		return managed{}, fmt.Errorf("registering: status %d: %s", response.StatusCode, b)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return managed{}, fmt.Errorf("registering: %w: %s", err, b)
	}
	if c.Token == "" {
		return managed{}, fmt.Errorf("registering: no registration access token: %s", b)
	}
	return c, nil
}

// uri returns the address of the client configuration endpoint on the client's server.
func (c managed) uri() string { return c.p.public + "/register/" + c.ID }

// do sends a request to the client configuration endpoint.
func (c managed) do(method, body string) (status int, answer []byte, err error) {
	request, err := http.NewRequest(method, c.uri(), strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.Token)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		return 0, nil, fmt.Errorf("reading the response: %w", err)
	}
	return response.StatusCode, answer, nil
}

// want sends a request, checks the response's status, and returns its members.
func (c managed) want(method, body string, want int) (members map[string]any) {
	c.p.t.Helper()
	status, b, err := c.do(method, body)
	if err != nil || status != want {
		c.p.t.Fatalf("%s of client %s: got %d and %v, want %d: %s", method, c.ID, status, err, want, b)
	}
	if len(b) > 0 {
		if err := json.Unmarshal(b, &members); err != nil {
			c.p.t.Fatalf("%v: %s", err, b)
		}
	}
	return members
}
