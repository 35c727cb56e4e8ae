package storetest

import (
	"database/sql"
	"sync"
	"testing"

	"registrar/store/storetest/galera"
)

// A Cluster is the Galera cluster of a test process, behind HAProxy.
type Cluster struct{ *galera.Cluster }

// cluster starts the cluster of this test process. It runs until the process ends; see [galera.Cluster].
var cluster = sync.OnceValues(galera.New)

// Galera returns a cluster whose nodes the test may pause, kill and restart. The first call in a test process starts
// it, which takes half a minute. Tests that use it run one after the other, and leave all nodes running. If Galera is
// not installed, the test is skipped, or fails if CI is set.
func Galera(t testing.TB) *Cluster {
	t.Helper()
	c, err := cluster()
	require(t, err)
	return &Cluster{c}
}

// Database creates a database and returns its name, for [galera.Cluster.DSN] and [galera.Cluster.ProxyDSN].
func (c *Cluster) Database(t testing.TB) (name string) {
	t.Helper()
	return newDatabase(t, c.ProxyDSN("")).DBName
}

// Rows returns the values of a query's only column on a node, in the server's order.
func (c *Cluster) Rows(t testing.TB, node int, database, query string) (values []string) {
	t.Helper()
	db, err := sql.Open("mysql", c.DSN(node, database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		values = append(values, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return values
}
