package store_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"registrar/engine"
	"registrar/store"
	"registrar/store/storetest"
	"registrar/store/storetest/mariadb"
)

func TestSQLite(t *testing.T) { storetest.Run(t, storetest.SQLite) }

// TestMariaDB runs on another server if the environment names one; see [storetest.MySQL].
func TestMariaDB(t *testing.T) { storetest.Run(t, mysqlDatabase) }

func TestMySQL(t *testing.T) {
	storetest.Run(t, func(t testing.TB) string { return "mysql:" + storetest.On(t, mariadb.MySQL) })
}

func mysqlDatabase(t testing.TB) string {
	t.Helper()
	return "mysql:" + storetest.MySQL(t)
}

// backends runs f with an empty database of each kind.
func backends(t *testing.T, f func(t *testing.T, database string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { f(t, storetest.SQLite(t)) })
	t.Run("MySQL", func(t *testing.T) { f(t, mysqlDatabase(t)) })
}

func open(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	cfg.Migrate = true
	s, err := store.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newClient(id string) *engine.Client {
	return &engine.Client{
		ID: id, RegistrationID: uuid.New(), IssuedAt: time.Now(),
		Metadata: engine.Metadata{
			RedirectURIs: []string{"https://client.example/cb"}, GrantTypes: []string{"authorization_code"},
			ClientName: "A client", Scope: "openid profile", TokenEndpointAuthMethod: "client_secret_basic",
		},
		Secret: engine.HashSecret("secret"),
		Caller: engine.Caller{Auth: engine.AuthNone},
	}
}

func exists(t testing.TB, s *store.Store, id string) bool {
	t.Helper()
	found, err := s.ClientExists(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// await polls until done returns true. It fails the test after a minute.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited a minute in vain for ", what)
		}
	}
}

// A column missing in the row type would stay empty. One missing in the table would fail every insert.
func TestRowsMatchTables(t *testing.T) {
	want, err := store.RowColumns()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range want {
		slices.Sort(c)
	}
	backends(t, func(t *testing.T, database string) {
		s := open(t, store.Config{Database: database})
		for table, columns := range want {
			if diff := cmp.Diff(columns, tableColumns(t, s, database, table)); diff != "" {
				t.Errorf("columns of %s in the row type (-) and in the table (+):\n%s", table, diff)
			}
		}
	})
}

func tableColumns(t testing.TB, s *store.Store, database, table string) []string {
	t.Helper()
	query := "SELECT GROUP_CONCAT(name) FROM (SELECT name FROM pragma_table_info('" + table + "') ORDER BY name)"
	if strings.HasPrefix(database, "mysql:") {
		query = "SELECT GROUP_CONCAT(column_name ORDER BY column_name) FROM information_schema.columns " +
			"WHERE table_schema = DATABASE() AND column_name != 'rowid' AND table_name = '" + table + "'"
	}
	list, err := s.ReadValue(query)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(list, ",")
}

// A statement fails if another process holds the lock for longer than sqliteBusy.
func TestBusy(t *testing.T) {
	t.Parallel()
	database := storetest.SQLite(t)
	s := open(t, store.Config{Database: database})
	release := hold(t, database)
	defer release()
	err := s.AddClient(t.Context(), newClient("blocked"))
	if !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("with the file locked: got %v, want %v", err, engine.ErrUnavailable)
	}
	release()
	if exists(t, s, "blocked") {
		t.Error("the client was stored although AddClient failed")
	}
	if err := s.AddClient(t.Context(), newClient("blocked")); err != nil {
		t.Errorf("with the lock released: %v", err)
	}
}

// AddClient does not try again for long if the disk is full.
func TestDiskFull(t *testing.T) {
	s := open(t, store.Config{Database: storetest.SQLite(t)})
	pages, err := s.WriteValue("PRAGMA page_count")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.WriteValue("PRAGMA max_page_count = " + pages); err != nil {
		t.Fatal(err)
	}
	c := newClient("large")
	c.Metadata.ClientName = strings.Repeat("x", 64<<10)
	start := time.Now()
	if err := s.AddClient(t.Context(), c); !errors.Is(err, engine.ErrUnavailable) || time.Since(start) > 5*time.Second {
		t.Errorf("got %v after %v, want %v", err, time.Since(start), engine.ErrUnavailable)
	}
	if exists(t, s, "large") {
		t.Error("the client was stored although AddClient failed")
	}
	if _, err := s.WriteValue("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if err := s.AddClient(t.Context(), c); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// hold locks a SQLite file for writing until release is called, like another process.
func hold(t testing.TB, database string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+strings.TrimPrefix(database, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() { db.Close() })
}
