// Package groupcommit batches concurrent writes: items that arrive during a commit share the next one. It is
// independent of any database.
package groupcommit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"registrar/internal/guard"
)

// ErrLeft reports that the deadline of a call has passed while a batch with its item was being written. The item may
// be written nevertheless; Config.Left gets its result.
var ErrLeft = errors.New("the batch was not written in time")

// Config configures a Committer.
type Config[T any] struct {
	// Commit writes a batch durably and returns an error or nil for each item, in order; a nil slice means that all
	// were written. It is called concurrently, never with an empty batch. A batch that a caller of Do writes itself
	// has one item, and ctx is the caller's: Commit must return soon after its deadline, and may ignore that it is
	// cancelled. In all other batches ctx never ends, because a caller that gives up must not fail the others.
	Commit func(ctx context.Context, batch []T) []error
	// Left is called with the result of each item whose call has returned ErrLeft, as soon as its batch has ended,
	// which may be before that call has returned. It must not block. nil means that the results are dropped.
	Left func(item T, result error)
	// Writers bounds the batches that are written at the same time; 0 means 4. While a batch is being written, another
	// one begins only if half a batch is waiting, or an item has waited for MaxWait. More items then share the cost of
	// a batch. An item that arrives shortly before a batch ends is also written sooner in the next batch than in a
	// separate one.
	Writers int
	// MaxBatch bounds the items of a batch, rounded down to a power of two; 0 means 64.
	MaxBatch int
	// MaxWait bounds how long items wait for half a batch while no batch ends, so that a batch that hangs does not
	// delay later items. 0 means 5 ms.
	MaxWait time.Duration
	// Yield lets the goroutines that are ready run before the next batch begins, so that those that are about to call Do
	// get into it. It helps where batches are short and few callers wait, and delays batches of many writers.
	Yield bool
	// Guard catches panics; nil means one that counts nothing.
	Guard *guard.Guard
	// Observer is notified of batches; nil means none.
	Observer Observer
}

// An Observer is notified of batches. It must be safe for concurrent use and must not block.
type Observer interface {
	// BatchBegan is called before a batch is written, with the number of its items.
	BatchBegan(items int)
	// ItemWaited is called for each item of a batch, with how long it waited for the batch to begin; 0 for one that did
	// not wait.
	ItemWaited(wait time.Duration)
}

// A Committer collects items into batches. It is safe for concurrent use. Use [New] to create one.
type Committer[T any] struct {
	commit   func(context.Context, []T) []error
	left     func(T, error)
	writers  int
	maxBatch int
	maxWait  time.Duration
	yield    bool
	guard    *guard.Guard
	observer Observer // nil means none

	mu     sync.Mutex
	queue  []*waiting[T]
	active int // batches that are being written
	sealed int // batches taken off the queue so far
	timer  *time.Timer
	since  int // value of sealed when the timer was set
}

// A waiting is an item in the queue.
type waiting[T any] struct {
	item    T
	since   time.Time   // when it began to wait; zero without an observer
	done    chan error  // receives the item's result; buffered
	decided atomic.Bool // set by the first of two: the call that leaves, or the batch that sends the result
}

// New returns a Committer.
func New[T any](c Config[T]) *Committer[T] {
	committer := &Committer[T]{
		commit:   c.Commit,
		left:     c.Left,
		writers:  cmp.Or(max(c.Writers, 0), 4),
		maxBatch: floor(cmp.Or(max(c.MaxBatch, 0), 64)),
		maxWait:  cmp.Or(max(c.MaxWait, 0), 5*time.Millisecond),
		yield:    c.Yield,
		guard:    c.Guard,
		observer: c.Observer,
	}
	committer.timer = c.Guard.AfterFunc(time.Hour, guard.Batches, committer.waited)
	committer.timer.Stop()
	return committer
}

// floor returns the largest power of two that is at most n. With few sizes of batches, few statements are prepared.
func floor(n int) int { return 1 << (bits.Len(uint(n)) - 1) }

// Do writes an item and returns its result. If no batch is being written, Do writes the item at once. Else the item
// waits until a batch ends, or half a batch is waiting. If ctx ends during that wait, Do returns the error of ctx and
// the item is not written. Once the item is part of a batch, Do waits for the result, at most until the deadline of
// ctx, when it returns [ErrLeft].
func (c *Committer[T]) Do(ctx context.Context, item T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	if c.active == 0 {
		c.active++
		c.mu.Unlock()
		c.began(nil)
		// Write in the caller's goroutine, which spares a wake-up.
		err := c.write(ctx, []T{item})[0]
		c.next()
		return err
	}
	w := &waiting[T]{item: item, done: make(chan error, 1)}
	if c.observer != nil {
		w.since = time.Now()
	}
	c.queue = append(c.queue, w)
	switch {
	case c.active < c.writers && len(c.queue) >= c.worthwhile():
		c.begin()
	case len(c.queue) == 1:
		c.await()
	}
	c.mu.Unlock()
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		if c.withdraw(w) {
			return ctx.Err()
		}
		return w.leave(ctx)
	}
}

// leave waits for the result until the deadline of ctx, which has ended: it was cancelled or its deadline has passed.
func (w *waiting[T]) leave(ctx context.Context) error {
	deadline, bounded := ctx.Deadline()
	if !bounded {
		return <-w.done
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case err := <-w.done:
		return err
	case <-timer.C:
	}
	if w.decided.CompareAndSwap(false, true) {
		return ErrLeft
	}
	return <-w.done
}

// withdraw removes an item from the queue. It returns false if the item is already part of a batch.
func (c *Committer[T]) withdraw(w *waiting[T]) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.queue, w)
	if i < 0 {
		return false
	}
	c.queue = slices.Delete(c.queue, i, i+1)
	return true
}

// next starts a writer for the items that arrived during a batch.
func (c *Committer[T]) next() {
	if batch := c.another(); batch != nil {
		c.guard.Go(guard.Batches, func() { c.drain(batch) })
	}
}

// drain writes batches until another returns nil.
func (c *Committer[T]) drain(batch []*waiting[T]) {
	for ; batch != nil; batch = c.another() {
		c.began(batch)
		items := make([]T, len(batch))
		for i, w := range batch {
			items[i] = w.item
		}
		for i, err := range c.write(context.Background(), items) {
			c.deliver(batch[i], err)
		}
	}
}

// began notifies the observer of a batch; nil means one of a single item that did not wait. A panic of the observer
// does not fail the batch.
func (c *Committer[T]) began(batch []*waiting[T]) {
	if c.observer == nil {
		return
	}
	_ = c.guard.Run(guard.Batches, func() {
		if batch == nil {
			c.observer.BatchBegan(1)
			c.observer.ItemWaited(0)
			return
		}
		c.observer.BatchBegan(len(batch))
		now := time.Now()
		for _, w := range batch {
			c.observer.ItemWaited(now.Sub(w.since))
		}
	})
}

// deliver passes the result of an item to its call, or to Config.Left if the call has left.
func (c *Committer[T]) deliver(w *waiting[T], result error) {
	if w.decided.CompareAndSwap(false, true) {
		w.done <- result
	} else if c.left != nil {
		_ = c.guard.Run(guard.Batches, func() { c.left(w.item, result) })
	}
}

// begin starts another writer. c.mu is held, and the queue is not empty.
func (c *Committer[T]) begin() {
	c.active++
	batch := c.seal()
	c.guard.Go(guard.Batches, func() { c.drain(batch) })
}

// await sets the timer. c.mu is held.
func (c *Committer[T]) await() {
	c.since = c.sealed
	c.timer.Reset(c.maxWait)
}

// waited begins a batch if none began during maxWait. The timer calls it.
func (c *Committer[T]) waited() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) > 0 && c.active < c.writers && c.sealed == c.since {
		c.begin()
	}
	if len(c.queue) > 0 {
		c.await()
	}
}

// worthwhile returns the number of waiting items from which a batch begins while others are being written.
func (c *Committer[T]) worthwhile() int { return max(c.maxBatch/2, 1) }

// another returns the next batch for a writer, or nil if the writer should end. If other writers are active and few
// items are waiting, it leaves the items to them.
func (c *Committer[T]) another() []*waiting[T] {
	if c.yield {
		runtime.Gosched()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 || c.active > 1 && len(c.queue) < c.worthwhile() {
		c.active--
		return nil
	}
	return c.seal()
}

// seal takes a batch off the queue, which is not empty. c.mu is held.
func (c *Committer[T]) seal() []*waiting[T] {
	c.sealed++
	n := min(floor(len(c.queue)), c.maxBatch)
	batch := make([]*waiting[T], n)
	copy(batch, c.queue)
	rest := copy(c.queue, c.queue[n:])
	clear(c.queue[rest:])
	c.queue = c.queue[:rest]
	return batch
}

// write writes a batch and returns one result for each item, even if Commit panics or returns too few or too many.
func (c *Committer[T]) write(ctx context.Context, items []T) (results []error) {
	defer func() {
		if p := recover(); p != nil {
			c.guard.Count(guard.Batches)
			results = all(len(items), fmt.Errorf("writing a batch: %w",
				&guard.PanicError{Place: guard.Batches, Value: p}))
		}
	}()
	switch results = c.commit(ctx, items); len(results) {
	case len(items):
		return results
	case 0:
		return make([]error, len(items))
	}
	return all(len(items), fmt.Errorf("writing a batch of %d returned %d results", len(items), len(results)))
}

func all(n int, err error) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}
