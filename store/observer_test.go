package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"registrar/engine"
	"registrar/store"
)

// A witness is an Observer that counts. The zero value has counted nothing.
type witness struct {
	mu         sync.Mutex
	statements map[string]int
	batches    int
	rows       int
	waits      int
	took       time.Duration // of all statements
}

func (w *witness) StatementEnded(kind string, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.statements == nil {
		w.statements = map[string]int{}
	}
	w.statements[kind]++
	w.took += took
}

func (w *witness) BatchBegan(items int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.batches++
	w.rows += items
}

func (w *witness) ItemWaited(time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits++
}

// count returns the number of statements of a kind, and forgets all of them.
func (w *witness) count(kind string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.statements[kind]
	clear(w.statements)
	return n
}

func TestObserver(t *testing.T) {
	backends(t, func(t *testing.T, database string) {
		w := &witness{}
		s := open(t, store.Config{Database: database, Observer: w})
		ctx := t.Context()
		do := func(kind string, least int, f func() error) {
			t.Helper()
			w.count(kind)
			if err := f(); err != nil {
				t.Fatal(err)
			}
			if got := w.count(kind); got < least {
				t.Errorf("%s: %d statements were counted, want at least %d", kind, got, least)
			}
		}
		const clients = 40
		do(store.StatementInsert, 1, func() error {
			var wg sync.WaitGroup
			for i := range clients {
				wg.Go(func() {
					if err := s.AddClient(ctx, newClient(fmt.Sprint("client-", i))); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			return nil
		})
		if w.rows != clients || w.waits != clients || w.batches < 1 || w.batches > clients {
			t.Errorf("%d rows waited %d times for %d batches, want %d rows, each once", w.rows, w.waits, w.batches,
				clients)
		}
		do(store.StatementSelect, 1, func() error { _, err := s.Client(ctx, "client-1"); return err })
		do(store.StatementDelete, 1, func() error { return s.DeleteClient(ctx, "client-1") })
		token := &engine.InitialAccessToken{ID: "token", Label: "a", MaxUses: 1, UsesLeft: 1,
			CreatedAt: time.Now().UTC()}
		do(store.StatementInsert, 1, func() error { return s.AddInitialAccessToken(ctx, token) })
		do(store.StatementTransaction, 1, func() error {
			c := newClient("by-token")
			c.Caller = token.Caller()
			return s.AddClient(ctx, c)
		})
		if w.took <= 0 {
			t.Error("the statements took no time")
		}
		for name, stats := range s.Pools() {
			if stats.MaxOpenConnections < 1 || stats.OpenConnections < 1 {
				t.Errorf("pool %s: got %+v", name, stats)
			}
		}
	})
}
