package groupcommit_test

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/guard"
	"registrar/store/groupcommit"
)

// A witness records the sizes of batches and the waits of items. It panics if told to.
type witness struct {
	mu     sync.Mutex
	sizes  []int
	waits  []time.Duration
	panics bool
}

func (w *witness) BatchBegan(items int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sizes = append(w.sizes, items)
	if w.panics {
		panic("the observer failed")
	}
}

func (w *witness) ItemWaited(wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits = append(w.waits, wait)
}

// The first item is written at once. Those that arrive meanwhile wait until its batch has ended.
func TestObserverIsToldOfBatches(t *testing.T) {
	for _, panics := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var d disk
			w := &witness{panics: panics}
			c := groupcommit.New(groupcommit.Config[int]{Commit: d.commit, Writers: 1, Observer: w,
				Guard: &guard.Guard{Logger: slog.New(slog.DiscardHandler)}})
			var wg sync.WaitGroup
			for n := range 5 {
				wg.Go(func() {
					if err := c.Do(t.Context(), 2*n); err != nil {
						t.Error(err)
					}
				})
				synctest.Wait()
			}
			wg.Wait()
			if got := fmt.Sprint(w.sizes); got != "[1 4]" {
				t.Errorf("panics %t: got batches of %s items, want [1 4]", panics, got)
			}
			want := fmt.Sprint([]time.Duration{0, time.Millisecond, time.Millisecond, time.Millisecond,
				time.Millisecond})
			if got := fmt.Sprint(w.waits); got != want && !panics {
				t.Errorf("got waits of %s, want %s", got, want)
			}
		})
	}
}
