package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"registrar/engine"
	"registrar/scripts"
	"registrar/store"
	"registrar/store/storetest"
)

// A check of a SQLite file takes the lock of writers, and writes nothing.
func TestCheckWriteOfAFile(t *testing.T) {
	t.Parallel()
	database := storetest.SQLite(t)
	s, other := open(t, store.Config{Database: database}), open(t, store.Config{Database: database})
	check := func(timeout time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		return s.CheckWrite(ctx, scripts.Replica{})
	}
	before := writtenBytes(t, database)
	if err := check(time.Minute); err != nil {
		t.Fatal(err)
	}
	if after := writtenBytes(t, database); after != before {
		t.Error("a check wrote to the file")
	}
	execute(t, other, "BEGIN IMMEDIATE")
	if err := check(200 * time.Millisecond); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("while another process writes: got %v, want %v", err, engine.ErrUnavailable)
	}
	execute(t, other, "COMMIT")
	if err := check(time.Minute); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// execute runs a statement that returns no rows on the connection that s writes with.
func execute(t *testing.T, s *store.Store, statement string) {
	t.Helper()
	if _, err := s.WriteValue(statement); !errors.Is(err, sql.ErrNoRows) {
		t.Fatalf("%s: got %v", statement, err)
	}
}

// writtenBytes returns the content of a SQLite file and of its log.
func writtenBytes(t *testing.T, database string) string {
	t.Helper()
	path := strings.TrimPrefix(database, "sqlite:")
	var all strings.Builder
	for _, path := range []string{path, path + "-wal"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// After a client could not be stored, a check writes.
func TestCheckWriteAfterAFailure(t *testing.T) {
	t.Parallel()
	database := storetest.SQLite(t)
	s, other := open(t, store.Config{Database: database}), open(t, store.Config{Database: database})
	if !s.LastCommit().IsZero() {
		t.Errorf("a new store stored a client at %v", s.LastCommit())
	}
	if err := s.AddClient(t.Context(), newClient("a")); err != nil {
		t.Fatal(err)
	}
	if since := time.Since(s.LastCommit()); since < 0 || since > time.Minute {
		t.Errorf("the last client was stored %v ago", since)
	}
	execute(t, other, "BEGIN IMMEDIATE")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.AddClient(ctx, newClient("b")); !errors.Is(err, engine.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	execute(t, other, "COMMIT")
	for i, want := range []int{1, 0} { // the second check is a cheap one again
		if err := s.CheckWrite(t.Context(), scripts.Replica{}); err != nil {
			t.Fatal(err)
		}
		list, err := s.Replicas(t.Context())
		if err != nil || len(list) != want {
			t.Errorf("check %d: got %+v and %v, want %d", i+1, list, err, want)
		}
		if err := s.RemoveReplica(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
