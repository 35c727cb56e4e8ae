package store_test

import (
	"database/sql"
	"testing"

	"registrar/store"
	"registrar/store/storetest"
	"registrar/store/storetest/mariadb"
)

// onMySQLs runs f in parallel with an empty database of MariaDB and of MySQL, whose DSN it gets.
func onMySQLs(t *testing.T, f func(t *testing.T, dsn string)) {
	t.Helper()
	t.Parallel()
	for _, kind := range []mariadb.Kind{mariadb.MariaDB, mariadb.MySQL} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f(t, storetest.On(t, kind))
		})
	}
}

// openRaw opens a database without the store.
func openRaw(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func executeOn(t testing.TB, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func value[T any](t testing.TB, db *sql.DB, query string) (v T) {
	t.Helper()
	if err := db.QueryRow(query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// migrateTo migrates a MySQL database to a version.
func migrateTo(t testing.TB, dsn string, to int64) {
	t.Helper()
	if _, _, err := store.Migrate(t.Context(), store.Config{Database: "mysql:" + dsn}, to); err != nil {
		t.Fatal(err)
	}
}
