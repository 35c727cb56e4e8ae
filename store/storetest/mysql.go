package storetest

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"registrar/store/storetest/mariadb"
)

// shared start the servers of this test process, one of each kind. They run until the process ends; see
// [mariadb.Server].
var shared = map[mariadb.Kind]func() (*mariadb.Server, error){
	mariadb.MariaDB: sync.OnceValues(func() (*mariadb.Server, error) { return started(mariadb.MariaDB) }),
	mariadb.MySQL:   sync.OnceValues(func() (*mariadb.Server, error) { return started(mariadb.MySQL) }),
}

func started(k mariadb.Kind) (*mariadb.Server, error) {
	s, err := mariadb.New(mariadb.Config{Kind: k, Args: append(unsynced(k), "--max-connections=500")})
	if err == nil {
		err = s.Start()
	}
	return s, err
}

// unsynced returns the arguments with which a server leaves its files to the system, instead of waiting for the disk at
// each commit. What it committed outlives its process, which tests kill, but not the machine.
func unsynced(k mariadb.Kind) []string {
	args := []string{"--innodb-flush-method=nosync"}
	if k == mariadb.MariaDB {
		args = append(args, "--debug-no-sync") // the log of CREATE TABLE and the like
	}
	return args
}

// MySQL returns the DSN of a new, empty database for a test that runs on one server of the MySQL family, whichever it
// is: a private MariaDB or, if REGISTRAR_TEST_DATABASE is mysql, a private MySQL, as by [On]. REGISTRAR_TEST_MYSQL may
// name another server by its DSN.
func MySQL(t testing.TB) (dsn string) {
	t.Helper()
	if base := os.Getenv("REGISTRAR_TEST_MYSQL"); base != "" {
		return temporary(t, base)
	}
	return On(t, kind(t))
}

// On returns the DSN of a new, empty database on a private server of the kind k, which the first call in a test process
// starts. The database is dropped when the test ends. If there is no such server, the test is skipped, or fails if CI
// is set.
func On(t testing.TB, k mariadb.Kind) (dsn string) {
	t.Helper()
	s, err := shared[k]()
	require(t, err)
	return temporary(t, s.DSN(""))
}

// kind returns the kind of server that REGISTRAR_TEST_DATABASE names.
func kind(t testing.TB) mariadb.Kind {
	t.Helper()
	switch name := os.Getenv("REGISTRAR_TEST_DATABASE"); name {
	case "", "mariadb":
		return mariadb.MariaDB
	case "mysql":
		return mariadb.MySQL
	default:
		t.Fatalf("REGISTRAR_TEST_DATABASE is %q, want mariadb or mysql", name)
		return ""
	}
}

// temporary creates a database on the server with the DSN base, which is dropped when the test ends.
func temporary(t testing.TB, base string) (dsn string) {
	t.Helper()
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

// Exec executes queries on the server of cfg.
func Exec(t testing.TB, cfg *mysql.Config, queries ...string) {
	t.Helper()
	for _, query := range queries {
		execOn(t, cfg, query)
	}
}

// require ends the test if err is not nil: it skips the test if err is that a program is missing and CI is not set.
func require(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, mariadb.ErrMissing) && os.Getenv("CI") == "":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}
