package store_test

import (
	"context"
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
	check := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		return s.CheckWrite(ctx, scripts.Replica{})
	}
	before := writtenBytes(t, database)
	if err := check(); err != nil {
		t.Fatal(err)
	}
	if after := writtenBytes(t, database); after != before {
		t.Error("a check wrote to the file")
	}
	for _, query := range []string{"BEGIN IMMEDIATE", "COMMIT"} {
		if _, err := other.WriteValue(query); err != nil && !strings.Contains(err.Error(), "no rows") {
			t.Fatal(err)
		}
		err := check()
		if locked := query != "COMMIT"; locked != errors.Is(err, engine.ErrUnavailable) || locked == (err == nil) {
			t.Errorf("after %s: got %v", query, err)
		}
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
	if _, err := other.WriteValue("BEGIN IMMEDIATE"); err != nil && !strings.Contains(err.Error(), "no rows") {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.AddClient(ctx, newClient("b")); !errors.Is(err, engine.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	if _, err := other.WriteValue("COMMIT"); err != nil && !strings.Contains(err.Error(), "no rows") {
		t.Fatal(err)
	}
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
