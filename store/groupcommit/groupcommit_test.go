package groupcommit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/guard"
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

// A call whose context ends before its item is part of a batch withdraws the item, which later has no effect. A call
// whose deadline passes while its batch is written leaves; one that is cancelled waits until its deadline, if it has
// one. Other items are not affected.
func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		left := map[int]error{}
		c := groupcommit.New(groupcommit.Config[int]{Commit: d.commit, Writers: 1, MaxBatch: 4,
			Left: func(n int, result error) { left[n] = result }})
		var wg sync.WaitGroup
		start := time.Now()
		do := func(ctx context.Context, cancel context.CancelFunc, n int, want error, after time.Duration) {
			wg.Go(func() {
				defer cancel()
				if err := c.Do(ctx, n); !errors.Is(err, want) || time.Since(start) != after {
					t.Errorf("%d: got %v after %v, want %v after %v", n, err, time.Since(start), want, after)
				}
			})
			synctest.Wait()
		}
		within := func(timeout time.Duration, n int, want error, after time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			do(ctx, cancel, n, want, after)
		}
		const us = time.Microsecond
		within(time.Hour, 2, nil, 1000*us)                         // written by its call
		within(100*us, 4, context.DeadlineExceeded, 100*us)        // the deadline passes while 4 waits
		within(time.Hour, 6, nil, 2000*us)                         // begins a batch with the next three
		within(1500*us, 8, groupcommit.ErrLeft, 1500*us)           // the deadline passes while the batch is written
		within(1600*us, 9, groupcommit.ErrLeft, 1600*us)           // likewise, of an item that is refused
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour) // cancelled while the batch is written
		time.AfterFunc(1700*us, cancel)
		do(ctx, cancel, 10, nil, 2000*us)
		within(time.Hour, 7, errOdd, 3000*us)
		ctx, cancel = context.WithCancel(t.Context()) // without a deadline
		time.AfterFunc(2500*us, cancel)
		do(ctx, cancel, 12, nil, 3000*us)
		ctx, cancel = context.WithTimeout(t.Context(), 2700*us) // cancelled, and then the deadline passes
		time.AfterFunc(2500*us, cancel)
		do(ctx, cancel, 14, groupcommit.ErrLeft, 2700*us)
		within(time.Hour, 20, nil, 3000*us)
		wg.Wait()
		synctest.Wait()
		if slices.Sort(d.written); !slices.Equal(d.written, []int{2, 6, 8, 10, 12, 14, 20}) {
			t.Errorf("written: %v, want 2, 6, 8, 10, 12, 14 and 20", d.written)
		}
		if want := (map[int]error{8: nil, 9: errOdd, 14: nil}); !maps.Equal(left, want) {
			t.Errorf("left behind: got %v, want %v", left, want)
		}
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		if err := c.Do(ctx, 16); !errors.Is(err, context.Canceled) || slices.Contains(d.written, 16) {
			t.Errorf("cancelled from the start: got %v", err)
		}
		if err := c.Do(t.Context(), 18); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// While all writers hang, calls return by their deadlines, and those that are not part of a batch leave nothing behind.
func TestWritersHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resume := make(chan struct{})
		var written, left atomic.Int64
		c := groupcommit.New(groupcommit.Config[int]{Writers: 2, MaxBatch: 4,
			Commit: func(ctx context.Context, batch []int) []error {
				select { // as a database whose connection has the deadline
				case <-ctx.Done():
					return slices.Repeat([]error{ctx.Err()}, len(batch))
				case <-resume:
				}
				written.Add(int64(len(batch)))
				return nil
			},
			Left: func(int, error) { left.Add(1) },
		})
		counts := map[error]int{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		start := time.Now()
		for n := range 100 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err := c.Do(ctx, n)
				mu.Lock()
				defer mu.Unlock()
				counts[err]++
			})
		}
		wg.Wait()
		if took := time.Since(start); took != time.Second {
			t.Errorf("the calls took %v, want a second", took)
		}
		close(resume)
		synctest.Wait()
		// One call writes its own item, and half a batch hangs beside it. When the former ends, another batch may begin.
		if n := counts[groupcommit.ErrLeft]; n < 2 || n > 6 || counts[context.DeadlineExceeded] != 100-n {
			t.Errorf("got %v", counts)
		}
		if n := int64(counts[groupcommit.ErrLeft]); left.Load() != n || written.Load() != n {
			t.Errorf("%d were written and %d left behind, want %d", written.Load(), left.Load(), n)
		}
	})
}

// A Left that panics ends no writer.
func TestLeftPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		c := groupcommit.New(groupcommit.Config[int]{Commit: d.commit, Writers: 1,
			Guard: &guard.Guard{Logger: slog.New(slog.DiscardHandler)}, Left: func(int, error) { panic("broken") }})
		go c.Do(t.Context(), 2)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Microsecond)
		defer cancel()
		if err := c.Do(ctx, 4); !errors.Is(err, groupcommit.ErrLeft) {
			t.Errorf("got %v, want %v", err, groupcommit.ErrLeft)
		}
		for n := range 3 {
			if err := c.Do(t.Context(), 6+2*n); err != nil {
				t.Errorf("afterwards: %v", err)
			}
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
