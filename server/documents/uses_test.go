package documents

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A useStore notes which uses are written.
type useStore struct {
	Store
	mu      sync.Mutex
	written []string
	err     error
}

func (s *useStore) UseDocuments(_ context.Context, urls []string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	s.written = append(s.written, fmt.Sprint(urls, " ", at.Sub(begin)))
	return nil
}

var begin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when a bubble of synctest begins

// Uses are written once a minute, together, and at the end. A use that is stored already is not written.
func TestUsesAreWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &useStore{}
		r := New(Config{Store: store, Logger: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		var following sync.WaitGroup
		following.Go(func() { r.Follow(ctx) })
		use := func(url string, stored time.Duration) { r.uses.note(url, begin.Add(stored), time.Now()) }
		time.Sleep(10 * time.Second)
		use("b", -time.Hour)
		use("recent", 0)
		time.Sleep(10 * time.Second)
		use("a", -time.Hour)
		use("b", -time.Hour)
		time.Sleep(41 * time.Second) // 61 s
		synctest.Wait()
		want := []string{"[a b] 20s"}
		if diff := cmp.Diff(want, store.written); diff != "" {
			t.Errorf("after a minute, want (-) and got (+):\n%s", diff)
		}
		use("c", -time.Hour)
		stop()
		following.Wait()
		if diff := cmp.Diff(append(want, "[c] 1m1s"), store.written); diff != "" {
			t.Errorf("at the end, want (-) and got (+):\n%s", diff)
		}
	})
}

// Uses are bounded, and written in parts.
func TestUsesAreBounded(t *testing.T) {
	t.Parallel()
	store := &useStore{}
	r := New(Config{Store: store, Logger: slog.New(slog.DiscardHandler)})
	for i := range maxUses + 5 {
		r.uses.note(fmt.Sprint(i), time.Time{}, begin)
	}
	r.uses.note("0", time.Time{}, begin.Add(time.Second))
	r.writeUses(t.Context())
	if n := len(store.written); n != maxUses/usesWritten {
		t.Errorf("%d writes, want %d", n, maxUses/usesWritten)
	}
	if n := len(r.uses.take()); n != 0 {
		t.Errorf("%d uses are left", n)
	}
}
