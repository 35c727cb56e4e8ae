package groupcommit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/store/groupcommit"
)

// A disk takes a millisecond for each batch and refuses odd numbers.
type disk struct {
	mu      sync.Mutex
	written []int
	batches []int // sizes
	busy    int   // batches being written
	most    int   // maximum of busy
}

var errOdd = errors.New("odd")

func (d *disk) commit(_ context.Context, batch []int) []error {
	d.mu.Lock()
	d.busy++
	d.most = max(d.most, d.busy)
	d.mu.Unlock()
	time.Sleep(time.Millisecond)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy--
	d.batches = append(d.batches, len(batch))
	results := make([]error, len(batch))
	for i, n := range batch {
		if n%2 == 1 {
			results[i] = errOdd
			continue
		}
		d.written = append(d.written, n)
	}
	return results
}

// Each item gets its own result, and each acknowledged item is written exactly once.
func TestEachItemGetsItsResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		c := groupcommit.New(groupcommit.Config[int]{Commit: d.commit, Writers: 3, MaxBatch: 50})
		var wg sync.WaitGroup
		for n := range 1000 {
			wg.Go(func() {
				if err := c.Do(t.Context(), n); (err != nil) != (n%2 == 1) {
					t.Errorf("%d: got %v", n, err)
				}
			})
		}
		wg.Wait()
		slices.Sort(d.written)
		if len(d.written) != 500 || len(slices.Compact(d.written)) != 500 {
			t.Errorf("%d items were written, want 500, each once", len(d.written))
		}
		if d.most != 3 {
			t.Errorf("%d concurrent batches, want 3", d.most)
		}
		if len(d.batches) > 50 || slices.Max(d.batches) != 32 {
			t.Errorf("batches of %v, want at most 50, of at most 32", d.batches)
		}
		for _, n := range d.batches {
			if n&(n-1) != 0 {
				t.Errorf("a batch of %d, want a power of two", n)
			}
		}
	})
}

// An item does not wait if no batch is being written.
func TestSingleItemDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		c := groupcommit.New(groupcommit.Config[int]{Commit: d.commit})
		start := time.Now()
		for n := range 10 {
			_ = c.Do(t.Context(), 2*n)
		}
		if took := time.Since(start); took != 10*time.Millisecond {
			t.Errorf("ten items took %s, want a millisecond each", took)
		}
		if len(d.batches) != 10 {
			t.Errorf("batches of %v, want ten", d.batches)
		}
	})
}

// Fewer than half a batch wait until another batch ends, or for MaxWait.
func TestFewItemsWaitForNextBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := map[int]time.Duration{0: time.Minute, 2: 3 * time.Millisecond}
		var mu sync.Mutex
		var sizes []int
		c := groupcommit.New(groupcommit.Config[int]{MaxBatch: 16, Writers: 3,
			Commit: func(_ context.Context, batch []int) []error {
				mu.Lock()
				sizes = append(sizes, len(batch))
				mu.Unlock()
				time.Sleep(slow[batch[0]])
				return nil
			}})
		var wg sync.WaitGroup
		take := func(numbers ...int) (longest time.Duration) {
			start := time.Now()
			var those sync.WaitGroup
			for _, n := range numbers {
				those.Go(func() { _ = c.Do(t.Context(), n) })
				synctest.Wait()
			}
			those.Wait()
			return time.Since(start)
		}
		expect := func(what string, took, want time.Duration, batches ...int) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			if took != want || fmt.Sprint(sizes) != fmt.Sprint(batches) {
				t.Errorf("%s took %v in batches of %v, want %v in batches of %v", what, took, sizes, want, batches)
			}
			sizes = nil
		}
		expect("a few", take(2, 10, 11, 12), 3*time.Millisecond, 1, 2, 1)
		expect("half a batch", take(2, 10, 11, 12, 13, 14, 15, 16, 17), 3*time.Millisecond, 1, 8)
		wg.Go(func() { _ = c.Do(t.Context(), 0) }) // hangs
		synctest.Wait()
		expect("two, while a batch hangs,", take(10, 11), 5*time.Millisecond, 1, 2)
		wg.Wait()
	})
}

// Cancelling a call before its item is part of a batch withdraws the item. Later it has no effect. Other items are not
// affected.
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		c := groupcommit.New(groupcommit.Config[int]{Commit: d.commit, Writers: 1})
		var wg sync.WaitGroup
		do := func(after time.Duration, n int, want error) {
			ctx, cancel := context.WithTimeout(t.Context(), after)
			wg.Go(func() {
				defer cancel()
				if err := c.Do(ctx, n); !errors.Is(err, want) {
					t.Errorf("%d: got %v, want %v", n, err, want)
				}
			})
			synctest.Wait()
		}
		do(time.Microsecond, 2, nil)                          // cancelled while 2 is written
		do(100*time.Microsecond, 4, context.DeadlineExceeded) // cancelled while 4 waits
		do(time.Hour, 6, nil)
		do(1500*time.Microsecond, 8, nil) // cancelled while the batch with 8 is written
		do(time.Hour, 7, errOdd)
		wg.Wait()
		if slices.Sort(d.written); !slices.Equal(d.written, []int{2, 6, 8}) {
			t.Errorf("written: %v, want 2, 6 and 8", d.written)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.Do(ctx, 10); !errors.Is(err, context.Canceled) || slices.Contains(d.written, 10) {
			t.Errorf("cancelled from the start: got %v", err)
		}
		if err := c.Do(t.Context(), 12); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// A Commit that panics or returns a wrong number of results fails only its own batch.
func TestCommitIsBroken(t *testing.T) {
	for name, commit := range map[string]func(context.Context, []int) []error{
		"panic":   func(context.Context, []int) []error { panic("broken") },
		"results": func(context.Context, []int) []error { return make([]error, 3) },
		"success": func(context.Context, []int) []error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			c := groupcommit.New(groupcommit.Config[int]{Commit: commit, Writers: 1})
			for range 3 {
				err := c.Do(t.Context(), 1)
				if (err == nil) != (name == "success") {
					t.Errorf("got %v", err)
				}
				if name == "panic" && !strings.Contains(fmt.Sprint(err), "broken") {
					t.Errorf("got %v, want the value of the panic", err)
				}
			}
		})
	}
}

func BenchmarkDo(b *testing.B) {
	c := groupcommit.New(groupcommit.Config[int]{Commit: func(context.Context, []int) []error { return nil }})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_ = c.Do(b.Context(), 1)
		}
	})
}
