package database_test

import (
	"database/sql"
	"strings"
	"testing"

	"registrar/bench/database"
)

func TestDatabasesAreApartAndDurable(t *testing.T) {
	m, err := database.Start(t.Context(), database.Config{BufferPool: 64})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	seen := map[string]bool{}
	for range 2 {
		dsn, err := m.Fresh(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("mysql", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var name string
		var flush, pool int64
		const query = "SELECT DATABASE(), @@innodb_flush_log_at_trx_commit, @@innodb_buffer_pool_size"
		if err := db.QueryRow(query).Scan(&name, &flush, &pool); err != nil {
			t.Fatal(err)
		}
		if seen[name] || flush != 1 || pool != 64<<20 {
			t.Errorf("got %s, %d, %d", name, flush, pool)
		}
		seen[name] = true
	}
	if v, err := m.Version(t.Context()); err != nil || !strings.Contains(v, ".") {
		t.Errorf("got %q, %v", v, err)
	}
	if err := m.Drop(t.Context()); err != nil {
		t.Error(err)
	}
	if u, err := m.Usage(); err != nil || u.RSS <= 0 {
		t.Errorf("got %+v, %v", u, err)
	}
}
