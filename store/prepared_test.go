package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"gorm.io/gorm"
)

func openSQLite(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Database: "sqlite:" + filepath.Join(t.TempDir(), "registrar.db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Two wait for the only connection to prepare the same statement; the first gives up.
func TestPreparingIsNotSharedFate(t *testing.T) {
	s := openSQLite(t)
	tx := s.writer.Begin()
	ctx, cancel := context.WithCancel(t.Context())
	const query = "UPDATE deployments SET comment = comment"
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- s.writer.WithContext(ctx).Exec(query).Error }()
	time.Sleep(20 * time.Millisecond)
	go func() { second <- s.writer.WithContext(t.Context()).Exec(query).Error }()
	time.Sleep(20 * time.Millisecond)
	cancel()
	if err := <-first; err == nil {
		t.Error("the one that gave up: got no error, want one")
	}
	tx.Rollback()
	if err := <-second; err != nil {
		t.Errorf("the other one: %v", err)
	}
}

// A transaction that has the only connection does not wait for a statement that waits for that connection.
func TestTransactionPreparesForItself(t *testing.T) {
	s := openSQLite(t)
	const query = "UPDATE deployments SET comment = comment"
	outside := make(chan error, 1)
	err := s.writer.WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
		go func() { outside <- s.writer.WithContext(t.Context()).Exec(query).Error }()
		time.Sleep(20 * time.Millisecond)
		inside := make(chan error, 1)
		go func() { inside <- tx.Exec(query).Error }()
		select {
		case err := <-inside:
			return err
		case <-time.After(5 * time.Second):
			t.Fatal("the transaction hangs")
			return nil
		}
	})
	if err != nil {
		t.Error(err)
	}
	if err := <-outside; err != nil {
		t.Error(err)
	}
}

func TestStatementsAreBounded(t *testing.T) {
	s := openSQLite(t)
	for i := range 3 * maxStatements {
		var got int
		if err := s.reader.Raw(fmt.Sprint("SELECT ", i)).Scan(&got).Error; err != nil || got != i {
			t.Fatalf("got %d and %v, want %d", got, err, i)
		}
	}
	if got := len(s.pools[0].byQuery); got != maxStatements {
		t.Errorf("got %d statements, want %d", got, maxStatements)
	}
}
