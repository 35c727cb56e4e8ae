package store_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/engine"
	"registrar/store"
	"registrar/store/storetest"
)

// The error describes a valid value, and never quotes the given one, which may hold a password.
func TestMalformedDatabase(t *testing.T) {
	t.Parallel()
	for _, database := range []string{
		"", "registrar.db", "sqlite", "sqlite:", "sqlite3:hunter2.db", "file:hunter2.db",
		"postgres://user:hunter2@db/registrar",
		"sqlite::memory:", "mysql", "mysql:", "mysql:hunter2",
		"mysql://user:hunter2@db:3306/registrar",
		"mysql:user:hunter2@db:3306/registrar",
		"mysql:user:hunter2@tcp(db:3306)",
		"mysql:user:hunter2@tcp(db:3306)/",
		"mysql:user:hunter2@tcp(db:3306/registrar",
		"mysql:user:hun/ter2@tcp(db:3306)",
		"mysql:user:hunter2@tcp(db:3306)/registrar?timeout=hunter2",
		"mysql:user:hunter2@tcp(db:3306)/registrar?tls=hunter2",
		"mysql:user:hunter2@tcp(db:3306)/registrar?strict=true",
		"mysql:user:hunter2@tcp(db:3306)/registrar?loc=Europe/hunter2",
		"mysql:user:x@hunter2/registrar",
		"hunter2@tcp(db:3306)/registrar",
	} {
		for _, open := range []func() error{
			func() error { _, err := store.Open(t.Context(), store.Config{Database: database}); return err },
			func() error {
				_, _, err := store.Migrate(t.Context(), store.Config{Database: database}, store.LatestVersion)
				return err
			},
		} {
			err := open()
			switch {
			case err == nil:
				t.Errorf("%q: got no error, want one", database)
			case strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "ter2"):
				t.Errorf("%q: the error holds the password: %v", database, err)
			case !strings.Contains(err.Error(), "@tcp(db:3306)/registrar") && !strings.Contains(err.Error(), "file"):
				t.Errorf("%q: got %v, want an error that describes a valid value", database, err)
			case errors.Is(err, engine.ErrUnavailable):
				t.Errorf("%q: got %v, want an error that is permanent", database, err)
			}
		}
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	good, err := mysql.ParseDSN(storetest.MySQL(t))
	if err != nil {
		t.Fatal(err)
	}
	wrong := func(change func(*mysql.Config)) string {
		cfg := good.Clone()
		cfg.User, cfg.Passwd = "stranger", "hunter2"
		change(cfg)
		return "mysql:" + cfg.FormatDSN()
	}
	for name, c := range map[string]struct {
		database    string
		unavailable bool
		says        string
	}{
		"no listener": {"mysql:user:hunter2@tcp(127.0.0.1:1)/registrar", true,
			"mysql:user@tcp(127.0.0.1:1)/registrar"},
		"no such socket": {"mysql:user:hunter2@unix(" + directory + "/none)/registrar", true, directory},
		"no such host":   {"mysql:user:hunter2@tcp(none.invalid:3306)/registrar", true, "none.invalid"},
		"wrong password": {wrong(func(*mysql.Config) {}), false, "denied"},
		"no such database": {wrong(func(c *mysql.Config) {
			c.User, c.Passwd, c.DBName = good.User, good.Passwd,
				"none"
		}), false, "CREATE DATABASE none"},
		"no such directory": {"sqlite:" + filepath.Join(directory, "none", "registrar.db"), false, "none"},
		"a directory":       {"sqlite:" + directory, false, directory},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := store.Open(t.Context(), store.Config{Database: c.database, Migrate: true})
			if err == nil || !strings.Contains(err.Error(), c.says) ||
				errors.Is(err, engine.ErrUnavailable) != c.unavailable {
				t.Errorf("got %v, want an error that says %q, unavailable %t", err, c.says, c.unavailable)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error holds the password: %v", err)
			}
		})
	}
	_, err = store.Open(t.Context(), store.Config{Database: storetest.SQLite(t)})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "registrar migrate") {
		t.Errorf("a missing file, without migrating: got %v, want an error that names registrar migrate", err)
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	database := storetest.SQLite(t)
	if got := open(t, store.Config{Database: database}).Name(); got != database {
		t.Errorf("got %s, want %s", got, database)
	}
	cfg, err := mysql.ParseDSN(storetest.MySQL(t))
	if err != nil {
		t.Fatal(err)
	}
	want := "mysql:" + cfg.User + "@" + cfg.Net + "(" + cfg.Addr + ")/" + cfg.DBName
	if got := open(t, store.Config{Database: "mysql:" + cfg.FormatDSN()}).Name(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Characters with a meaning in URLs are part of the path.
func TestSQLiteFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b?mode=ro#%41&é.db")
	s := open(t, store.Config{Database: "sqlite:" + path})
	if err := s.AddClient(t.Context(), newClient("a")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 3 {
		t.Errorf("files: got %v, want the database, its log and the log's index", entries)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 || !strings.HasPrefix(e.Name(), filepath.Base(path)) {
			t.Errorf("got %s with mode %v, want 0600", e.Name(), info.Mode())
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("files after closing: got %v, want one", entries)
	}
}

func TestSQLiteSettings(t *testing.T) {
	t.Parallel()
	s := open(t, store.Config{Database: storetest.SQLite(t)})
	for query, want := range map[string]struct{ read, write string }{
		"PRAGMA journal_mode": {"wal", "wal"},
		"PRAGMA synchronous":  {"1", "2"}, // FULL for the writer
		"PRAGMA foreign_keys": {"1", "1"},
		"PRAGMA query_only":   {"1", "0"},
		"PRAGMA busy_timeout": {"5000", "5000"},
	} {
		read, err := s.ReadValue(query)
		write, err2 := s.WriteValue(query)
		if read != want.read || write != want.write || err != nil || err2 != nil {
			t.Errorf("%s: got %s for reading and %s for writing, %v, %v, want %s and %s",
				query, read, write, err, err2, want.read, want.write)
		}
	}
}

// A DSN cannot override settings that the store relies on, but can set others.
func TestMySQLSettings(t *testing.T) {
	t.Parallel()
	cfg, err := mysql.ParseDSN(storetest.MySQL(t))
	if err != nil {
		t.Fatal(err)
	}
	cfg.ParseTime, cfg.MultiStatements, cfg.ClientFoundRows, cfg.InterpolateParams = false, true, true, true
	cfg.Loc = time.FixedZone("Asia/Tokyo", 9*3600)
	cfg.Params = map[string]string{"time_zone": "'+09:00'", "sql_mode": "''", "autocommit": "0",
		"wait_timeout": "12345"}
	if err := cfg.Apply(mysql.Charset("latin1", "latin1_swedish_ci")); err != nil {
		t.Fatal(err)
	}
	dsn := strings.Replace(cfg.FormatDSN(), "loc=Asia%2FTokyo", "loc=UTC", 1)
	s := open(t, store.Config{Database: "mysql:" + dsn})
	for query, want := range map[string]string{
		"SELECT @@time_zone":                           "+00:00",
		"SELECT @@character_set_client":                "utf8mb4",
		"SELECT @@character_set_connection":            "utf8mb4",
		"SELECT @@collation_connection":                "utf8mb4_bin",
		"SELECT @@autocommit":                          "1",
		"SELECT @@sql_mode LIKE '%STRICT_ALL_TABLES%'": "1",
		"SELECT @@sql_mode LIKE '%NO_ZERO_DATE%'":      "1",
		"SELECT @@innodb_lock_wait_timeout":            "5",
		"SELECT @@wait_timeout":                        "12345",
	} {
		if got, err := s.ReadValue(query); err != nil || got != want {
			t.Errorf("%s: got %s and %v, want %s", query, got, err, want)
		}
	}
	c := newClient("a")
	c.Metadata.ClientName = "🦀"
	if err := s.AddClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	got, err := s.Client(t.Context(), "a")
	if err != nil || got.Metadata.ClientName != "🦀" || !got.IssuedAt.Equal(c.IssuedAt.Truncate(time.Microsecond)) {
		t.Errorf("got %+v and %v, want %+v", got, err, c)
	}
}

func TestLogOfMigration(t *testing.T) {
	t.Parallel()
	cfg, err := mysql.ParseDSN(storetest.MySQL(t))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	open(t, store.Config{
		Database: "mysql:" + cfg.FormatDSN(),
		Logger:   slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if !strings.Contains(log.String(), `msg="migrated the database"`) || !strings.Contains(log.String(), "from=0 to=") {
		t.Errorf("got %s, want a line about the migration", log.String())
	}
}

// Without random data there is no ID for the writer.
func TestOpenFailsWithoutRandomData(t *testing.T) {
	t.Parallel()
	_, err := store.Open(t.Context(),
		store.Config{Database: storetest.SQLite(t), Migrate: true, Random: strings.NewReader("short")})
	if err == nil {
		t.Error("got no error, want one")
	}
}
