package fill_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"registrar/bench/baresqlite"
	"registrar/bench/fill"
	"registrar/engine"
	"registrar/store"
	"registrar/store/storetest"
)

// The store reads and manages inserted clients as if it had written them.
func TestClients(t *testing.T) {
	for _, ids := range []fill.IDs{fill.UUIDv7, fill.Random} {
		t.Run(string(ids), func(t *testing.T) {
			dsn := storetest.MySQL(t)
			s, err := store.Open(t.Context(), store.Config{Database: "mysql:" + dsn, Migrate: true})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			db, err := sql.Open("mysql", dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			testClients(t, s, db, ids)
		})
	}
}

func TestClientsInSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registrar.db")
	s, err := store.Open(t.Context(), store.Config{Database: "sqlite:" + path, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	db, err := baresqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	testClients(t, s, db, fill.UUIDv7)
}

// testClients fills a database and compares the rows with what the store writes.
func testClients(t *testing.T, s *store.Store, db *sql.DB, ids fill.IDs) {
	var progress bytes.Buffer
	for _, step := range [][2]int{{0, 300}, {300, 2500}} {
		if err := fill.Clients(t.Context(), db, ids, step[0], step[1], &progress); err != nil {
			t.Fatal(err)
		}
	}
	clients := all(t, s)
	if len(clients) != 2500 {
		t.Fatalf("clients: got %d, want 2500", len(clients))
	}
	checkForms(t, clients)
	checkActs(t, clients)
	for _, c := range clients[1200:1220] {
		if c.Caller.Auth == engine.AuthNone { // the others have tokens that the store would look up
			rewrite(t, s, db, c)
		}
	}
}

func all(t *testing.T, s *store.Store) (clients []*engine.Client) {
	t.Helper()
	for before := int64(0); ; {
		page, err := s.Clients(t.Context(), engine.ClientFilter{}, before, 1000)
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, page.Clients...)
		if before = page.Next; before == 0 {
			slices.SortFunc(clients, func(a, b *engine.Client) int { return strings.Compare(a.ID, b.ID) })
			return clients
		}
	}
}

// checkForms checks that clients of every kind exist, with secrets if their method needs one.
func checkForms(t *testing.T, clients []*engine.Client) {
	t.Helper()
	methods := map[string]int{}
	for _, c := range clients {
		methods[c.Metadata.TokenEndpointAuthMethod]++
		if got, want := c.Secret != nil, strings.HasPrefix(c.Metadata.TokenEndpointAuthMethod,
			"client_secret_"); got != want {
			t.Errorf("client %s with %s has a secret: got %t, want %t", c.ID, c.Metadata.TokenEndpointAuthMethod, got,
				want)
		}
		if c.TokenHash == nil || c.Metadata.ClientName == "" {
			t.Errorf("client %s: got token hash %v and name %q", c.ID, c.TokenHash, c.Metadata.ClientName)
		}
	}
	if len(methods) != 3 {
		t.Errorf("authentication methods: got %v, want three", methods)
	}
	if !slices.IsSortedFunc(clients, func(a, b *engine.Client) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("clients are not in the order of their IDs")
	}
}

// checkActs wants acts of the script that was deployed, on half of the clients.
func checkActs(t *testing.T, clients []*engine.Client) {
	t.Helper()
	acted := 0
	for _, c := range clients {
		if c.Provenance.Deployment == 0 {
			continue
		}
		acted++
		last := c.Provenance.Acts[len(c.Provenance.Acts)-1]
		if len(c.Provenance.Acts) != 2 || last.Script != "house-rules" || last.Step != "add_client_id" ||
			len(last.Changed) != 1 {
			t.Errorf("client %s: got acts %+v", c.ID, c.Provenance.Acts)
		}
	}
	if acted < len(clients)/3 || acted > len(clients)*2/3 {
		t.Errorf("scripts acted on %d of %d clients, want half of them", acted, len(clients))
	}
}

// rewrite makes the store write an inserted client and checks that the columns stay the same.
func rewrite(t *testing.T, s *store.Store, db *sql.DB, c *engine.Client) {
	t.Helper()
	before := columns(t, db, c.ID)
	if err := s.DeleteClientByToken(t.Context(), c.ID, *c.TokenHash); err != nil {
		t.Fatal(err)
	}
	if err := s.AddClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, columns(t, db, c.ID)); diff != "" {
		t.Errorf("columns, inserted (-) and written by the store (+):\n%s", diff)
	}
}

// columns returns a client's row without its writer and position.
func columns(t *testing.T, db *sql.DB, id string) map[string]string {
	t.Helper()
	rows, err := db.Query("SELECT * FROM clients WHERE client_id = ?", id)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil || !rows.Next() {
		t.Fatalf("client %s: %v", id, errors.Join(err, rows.Err()))
	}
	cells, into := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range cells {
		into[i] = &cells[i]
	}
	if err := rows.Scan(into...); err != nil {
		t.Fatal(err)
	}
	row := map[string]string{}
	for i, name := range names {
		if row[name] = fmt.Sprint(cells[i]); name == "rowid" || name == "writer" || name == "sequence" {
			row[name] = fmt.Sprint(cells[i].Valid)
		}
	}
	return row
}

// The clients that are said to be in a table are there, and authenticate.
func TestMadeClientsAuthenticate(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "registrar.db")
	s, err := store.Open(t.Context(), store.Config{Database: "sqlite:" + file, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	e, err := engine.New(engine.Config{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	db, err := baresqlite.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const count = 1500
	if err := fill.Clients(t.Context(), db, fill.UUIDv7, 0, count, nil); err != nil {
		t.Fatal(err)
	}
	made := fill.Made(fill.UUIDv7, count)
	if len(made) != count {
		t.Fatalf("got %d clients, want %d", len(made), count)
	}
	for _, m := range made {
		c, err := s.ClientByToken(t.Context(), m.ID, engine.HashToken(engine.Plaintext(m.Token)))
		if err != nil {
			t.Fatal(err)
		}
		if (m.Secret != "") != (c.Secret != nil) || m.Secret != "" && !e.VerifySecret(c, engine.Plaintext(m.Secret)) {
			t.Errorf("client %s: the secret does not authenticate it", m.ID)
		}
	}
}
