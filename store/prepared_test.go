package store

import (
	"context"
	"errors"
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

// awaitWaits waits until n calls have had to wait for the connection that s writes with.
func awaitWaits(t *testing.T, s *Store, n int64) {
	t.Helper()
	writer := s.pools[len(s.pools)-1]
	for deadline := time.Now().Add(time.Minute); writer.Stats().WaitCount < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("got %d calls that wait for the connection, want %d", writer.Stats().WaitCount, n)
		}
	}
}

// Two callers wait for the only connection to prepare the same statement. The first is cancelled, the second succeeds.
func TestCancelledPrepareDoesNotFailOthers(t *testing.T) {
	s := openSQLite(t)
	tx := s.writer.Begin()
	ctx, cancel := context.WithCancel(t.Context())
	const query = "UPDATE deployments SET comment = comment"
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- s.writer.WithContext(ctx).Exec(query).Error }()
	awaitWaits(t, s, 1)
	go func() { second <- s.writer.WithContext(t.Context()).Exec(query).Error }()
	awaitWaits(t, s, 2)
	cancel()
	if err := <-first; err == nil {
		t.Error("the cancelled call: got no error, want one")
	}
	tx.Rollback()
	if err := <-second; err != nil {
		t.Errorf("the other call: %v", err)
	}
}

// A transaction that holds the only connection does not wait for a statement that another caller is preparing.
func TestTransactionPreparesItsOwnStatements(t *testing.T) {
	s := openSQLite(t)
	const query = "UPDATE deployments SET comment = comment"
	outside := make(chan error, 1)
	err := s.writer.WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
		go func() { outside <- s.writer.WithContext(t.Context()).Exec(query).Error }()
		awaitWaits(t, s, 1)
		inside := make(chan error, 1)
		go func() { inside <- tx.Exec(query).Error }()
		select {
		case err := <-inside:
			return err
		case <-time.After(5 * time.Second):
			return errors.New("the transaction hangs")
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
