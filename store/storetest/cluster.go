package storetest

import (
	"database/sql"
	"testing"

	"registrar/store/storetest/galera"
)

// A Cluster is a private Galera cluster of one test, behind HAProxy.
type Cluster struct{ *galera.Cluster }

// NewCluster starts a cluster whose nodes the test may pause, kill and restart. It is removed after the test.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	c, err := galera.New()
	require(t, err)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
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
