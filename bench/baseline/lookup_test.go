package baseline

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"registrar/bench/baresqlite"
	"registrar/bench/fill"
	"registrar/bench/load"
	"registrar/internal/app"
	"registrar/internal/servertest"
	"registrar/store/storetest"
)

func TestLookUpsAnswerAsRegistrar(t *testing.T) {
	t.Parallel()
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		dsn := storetest.MySQL(t)
		compareLookUps(t, "mysql:"+dsn, func() *sql.DB { return sqlOpen(t, dsn) }, LookUp, dsn)
	})
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "registrar.db")
		compareLookUps(t, "sqlite:"+file, func() *sql.DB {
			db, err := baresqlite.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			return db
		}, LookUpSQLite, file)
	})
}

// count is the number of clients that are compared.
const count = 40

// compareLookUps compares the answers of both servers for clients of every kind, and for one that is not there.
func compareLookUps(
	t *testing.T, database string, open func() *sql.DB, server func(context.Context, string, io.Writer) error, dsn string,
) {
	registrar := servertest.New(t, app.Config{Database: database}, servertest.Options{})
	if err := fill.Clients(t.Context(), open(), fill.UUIDv7, 0, count, nil); err != nil {
		t.Fatal(err)
	}
	clients := fill.Made(fill.UUIDv7, count)
	change(t, registrar, clients)
	minimal := strings.TrimSuffix(run(t, server, dsn), "/register")
	for _, client := range append(clients, load.Client{ID: "unknown"}) {
		id := client.ID
		status, want := look(t, registrar.Admin.URL, id)
		got, answer := look(t, minimal, id)
		if got != status {
			t.Errorf("client %s: got the status %d, want %d", id, got, status)
		}
		if diff := cmp.Diff(want, answer); status == http.StatusOK && diff != "" {
			t.Errorf("client %s: registrar (-) and the minimal server (+):\n%s", id, diff)
		}
	}
}

// change updates a client, has one with a secret be seen, and disables one.
func change(t *testing.T, s *servertest.Server, clients []load.Client) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.Public.URL+"/register/"+clients[0].ID,
		strings.NewReader(`{"client_id":"`+clients[0].ID+`","redirect_uris":["https://app.example/cb"]}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+clients[0].Token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("updating a client: %s", response.Status)
	}
	with := clients[slices.IndexFunc(clients, func(c load.Client) bool { return c.Secret != "" })]
	if valid, err := s.API().VerifySecret(t.Context(), with.ID, with.Secret); err != nil || !valid {
		t.Fatalf("verifying a secret: %t, %v", valid, err)
	}
	if _, err := s.API().DisableClient(t.Context(), clients[count-1].ID, ""); err != nil {
		t.Fatal(err)
	}
}

// look returns the answer to a look-up of a client, and its status.
func look(t *testing.T, url, id string) (status int, answer map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/admin/v1/clients/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+servertest.AdminToken)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}
