package store_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/engine"
	"registrar/store"
	"registrar/store/storetest"
)

// comStmtExecute is the command with which a client runs a prepared statement.
const comStmtExecute = 0x17

// A look-up ends at its deadline, though the database has not answered, and no later look-up gets the late answer. A
// look-up that is cancelled does no harm to its connection either.
func TestLookUpEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	var holding atomic.Bool
	held, release := make(chan struct{}, 1), make(chan struct{})
	_, dsn := newRelay(t, storetest.MySQL(t), func(packet []byte) (last bool) {
		if packet[0] == comStmtExecute && holding.CompareAndSwap(true, false) {
			held <- struct{}{}
			<-release
		}
		return false
	})
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.ReadTimeout = time.Hour // so that only the look-up's deadline ends it
	s := open(t, store.Config{Database: "mysql:" + cfg.FormatDSN(), Connections: 1})
	for _, id := range []string{"first", "second"} {
		if err := s.AddClient(t.Context(), newClient(id)); err != nil {
			t.Fatal(err)
		}
		mustFind(t, s, id) // prepares the statement
	}
	holding.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.Client(ctx, "first"); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, engine.ErrUnavailable)
	}
	if holding.CompareAndSwap(true, false) {
		held <- struct{}{} // the deadline passed before the statement was sent
	}
	<-held
	close(release)
	mustFind(t, s, "second")
	mustFind(t, s, "first")

	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Client(cancelled, "first"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v, want %v", err, context.Canceled)
	}
	if _, err := s.Client(t.Context(), "none"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("got %v, want %v", err, engine.ErrNotFound)
	}
	mustFind(t, s, "second")
}

// mustFind looks a client up.
func mustFind(t *testing.T, s *store.Store, id string) {
	t.Helper()
	if c, err := s.Client(t.Context(), id); err != nil || c.ID != id {
		t.Fatalf("client %s: got %+v, %v", id, c, err)
	}
}
