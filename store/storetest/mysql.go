package storetest

import (
	"crypto/rand"
	"database/sql"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"registrar/store/storetest/mariadb"
)

// shared starts the server of this test process. It runs until the process ends; see [mariadb.Server].
var shared = sync.OnceValues(func() (*mariadb.Server, error) {
	s, err := mariadb.New(mariadb.Config{Args: []string{"--max-connections=500"}})
	if err == nil {
		err = s.Start()
	}
	return s, err
})

// MySQL returns the DSN of a new, empty database, which is dropped when the test ends. It is on the server with the DSN
// REGISTRAR_TEST_MYSQL or, if that is not set, on a private one, which the first call in a test process starts. If
// there is no server, the test is skipped, or fails if CI is set.
func MySQL(t testing.TB) (dsn string) {
	t.Helper()
	base := os.Getenv("REGISTRAR_TEST_MYSQL")
	if base == "" {
		requireServer(t)
		s, err := shared()
		if err != nil {
			t.Fatal(err)
		}
		base = s.DSN("")
	}
	cfg := newDatabase(t, base)
	t.Cleanup(func() { execOn(t, cfg, "DROP DATABASE "+cfg.DBName) })
	return cfg.FormatDSN()
}

// newDatabase creates a database on the server with the DSN base, and returns its configuration.
func newDatabase(t testing.TB, base string) *mysql.Config {
	t.Helper()
	cfg, err := mysql.ParseDSN(base)
	if err != nil {
		t.Fatal("the DSN of the test server is malformed")
	}
	cfg.DBName = "registrar_test_" + strings.ToLower(rand.Text())
	// The defaults of an existing database must not matter.
	execOn(t, cfg, "CREATE DATABASE "+cfg.DBName+" CHARACTER SET latin1 COLLATE latin1_swedish_ci")
	return cfg
}

// execOn executes query on the server of cfg.
func execOn(t testing.TB, cfg *mysql.Config, query string) {
	t.Helper()
	cfg = cfg.Clone()
	cfg.DBName = ""
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	if _, err := db.Exec(query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// requireServer skips the test, or fails it if CI is set, if there is no server program.
func requireServer(t testing.TB) {
	t.Helper()
	if _, err := mariadb.Program(); err == nil {
		return
	}
	const missing = "REGISTRAR_TEST_MYSQL is not set, and no mariadbd or mysqld is in PATH or /usr/sbin"
	if os.Getenv("CI") != "" {
		t.Fatal(missing)
	}
	t.Skip(missing)
}
