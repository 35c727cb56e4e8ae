package storetest

import (
	"testing"

	"registrar/store/storetest/mariadb"
)

// A Server is a private database server of one test.
type Server struct{ *mariadb.Server }

// NewServer starts a server, of the kind that [MySQL] starts, that the test may pause or kill. It is removed after the
// test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	k := kind(t)
	s := NewServerWith(t, mariadb.Config{Kind: k, Args: unsynced(k)})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// NewServerWith returns a server that the test starts. It is removed after the test.
func NewServerWith(t testing.TB, c mariadb.Config) *Server {
	t.Helper()
	s, err := mariadb.New(c)
	require(t, err)
	t.Cleanup(func() { s.Close() })
	return &Server{s}
}

// Database returns the DSN of a new, empty database on the server.
func (s *Server) Database(t testing.TB) (dsn string) { return newDatabase(t, s.DSN("")).FormatDSN() }
