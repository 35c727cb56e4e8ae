// Package groupcommit batches concurrent writes: items that arrive during a commit share the next one. It knows nothing
// of databases.
package groupcommit

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"slices"
	"sync"
	"time"
)

// Config configures a Committer.
type Config[T any] struct {
	// Commit writes a batch durably and returns the verdict on each item, in their order; a nil slice means that all
	// were written. Several calls run at once, never with an empty batch. Its context is not one of the callers': a
	// caller that gives up must not fail the others.
	Commit func(ctx context.Context, batch []T) []error
	// Writers bounds the batches that are written at the same time; 0 means 4. The second one and those after it begin
	// only once half a batch waits, or an item has waited for MaxWait: more items then share the cost of a batch, and
	// an item that comes shortly before another batch ends is written sooner in the next one than in one by itself.
	Writers int
	// MaxBatch bounds the items of a batch, rounded down to a power of two; 0 means 64.
	MaxBatch int
	// MaxWait bounds how long items wait for half a batch while no batch ends, so that a batch that hangs does not hold
	// up later items. 0 means 5 ms.
	MaxWait time.Duration
}

// A Committer gathers items into batches. It is safe for concurrent use. [New] makes one.
type Committer[T any] struct {
	commit   func(context.Context, []T) []error
	writers  int
	maxBatch int
	maxWait  time.Duration

	mu     sync.Mutex
	queue  []*waiting[T]
	active int // batches that are being written
	sealed int // batches so far
	timer  *time.Timer
	since  int // sealed, when the timer was set
}

// A waiting item is in the queue until a batch has it.
type waiting[T any] struct {
	item T
	done chan error // of one element; gets the verdict
}

// New returns a Committer.
func New[T any](c Config[T]) *Committer[T] {
	committer := &Committer[T]{
		commit:   c.Commit,
		writers:  cmp.Or(max(c.Writers, 0), 4),
		maxBatch: floor(cmp.Or(max(c.MaxBatch, 0), 64)),
		maxWait:  cmp.Or(max(c.MaxWait, 0), 5*time.Millisecond),
	}
	committer.timer = time.AfterFunc(time.Hour, committer.waited)
	committer.timer.Stop()
	return committer
}

// floor returns the largest power of two that is not above n: batches have few sizes, so that few statements are
// prepared.
func floor(n int) int { return 1 << (bits.Len(uint(n)) - 1) }

// Do writes an item and returns the verdict on it. If no batch is being written, the item is written at once, by
// itself; else it waits for a batch to end, or for other items with which it makes half a batch. If ctx ends during
// that wait, Do returns its error and the item is not written. Once a batch has the item, Do waits for the verdict.
func (c *Committer[T]) Do(ctx context.Context, item T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	if c.active == 0 {
		c.active++
		c.mu.Unlock()
		// The caller writes the item itself: no other goroutine has to wake it up.
		err := c.write(context.WithoutCancel(ctx), []T{item})[0]
		c.next()
		return err
	}
	w := &waiting[T]{item: item, done: make(chan error, 1)}
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
		return <-w.done
	}
}

// withdraw takes an item out of the queue. It returns false if a batch has the item already.
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

// next has the items written that came while a batch was.
func (c *Committer[T]) next() {
	if batch := c.another(); batch != nil {
		go c.drain(batch)
	}
}

// drain writes batches until the queue is empty, or no batch is worthwhile.
func (c *Committer[T]) drain(batch []*waiting[T]) {
	for ; batch != nil; batch = c.another() {
		items := make([]T, len(batch))
		for i, w := range batch {
			items[i] = w.item
		}
		for i, err := range c.write(context.Background(), items) {
			batch[i].done <- err
		}
	}
}

// begin has one more batch written. c.mu is held, and the queue is not empty.
func (c *Committer[T]) begin() {
	c.active++
	go c.drain(c.seal())
}

// await sets the timer. c.mu is held.
func (c *Committer[T]) await() {
	c.since = c.sealed
	c.timer.Reset(c.maxWait)
}

// waited begins a batch if none did during maxWait. The timer calls it.
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

// worthwhile returns how many items have to wait before a batch begins beside others.
func (c *Committer[T]) worthwhile() int { return max(c.maxBatch/2, 1) }

// another returns the batch that a writer goes on with, or nil: then one writer less is active. If a batch beside those
// of other writers is not worthwhile, the items are left to them.
func (c *Committer[T]) another() []*waiting[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 || c.active > 1 && len(c.queue) < c.worthwhile() {
		c.active--
		return nil
	}
	return c.seal()
}

// seal takes the next batch off the queue, which is not empty. c.mu is held.
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

// write returns a verdict on each item, even if Commit panics or returns another number of them.
func (c *Committer[T]) write(ctx context.Context, items []T) (verdicts []error) {
	defer func() {
		if p := recover(); p != nil {
			verdicts = all(len(items), fmt.Errorf("writing a batch: panic: %v", p))
		}
	}()
	switch verdicts = c.commit(ctx, items); len(verdicts) {
	case len(items):
		return verdicts
	case 0:
		return make([]error, len(items))
	}
	return all(len(items), fmt.Errorf("writing a batch of %d gave %d verdicts", len(items), len(verdicts)))
}

func all(n int, err error) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}
