// Package groupcommit gathers what waits to be written at the same time, so that it is written at once. It knows nothing
// of databases.
package groupcommit

import (
	"context"
	"fmt"
	"math/bits"
	"sync"
	"time"
)

// Config is what a Committer is made of.
type Config[T any] struct {
	// Commit writes a batch durably and returns what came of each item, in their order; nil stands for all of them. It is
	// called by many at once, and never with none. Its context is not that of who waits: one who goes away must not take
	// the others along.
	Commit func(ctx context.Context, batch []T) []error
	// Writers bounds the batches that are written at the same time; 0 means 4. A second one and those after it are begun only
	// once half a batch waits, or somebody has for MaxWait: what a batch costs is shared by the more, and who comes shortly
	// before another batch ends is better off in the next one than alone.
	Writers int
	// MaxBatch bounds the items of a batch, rounded down to a power of two; 0 means 64.
	MaxBatch int
	// MaxWait is how long items wait for half a batch while no batch ends: one that hangs must not hold up those who come
	// after it. 0 means 5 ms.
	MaxWait time.Duration
}

// A Committer gathers items into batches. It is safe for concurrent use. The zero value is of no use; see [New].
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
	if c.Writers <= 0 {
		c.Writers = 4
	}
	if c.MaxBatch <= 0 {
		c.MaxBatch = 64
	}
	if c.MaxWait <= 0 {
		c.MaxWait = 5 * time.Millisecond
	}
	committer := &Committer[T]{commit: c.Commit, writers: c.Writers, maxBatch: floor(c.MaxBatch), maxWait: c.MaxWait}
	committer.timer = time.AfterFunc(time.Hour, committer.waited)
	committer.timer.Stop()
	return committer
}

// floor is the largest power of two that is not above n: batches have few sizes, so that few statements are prepared.
func floor(n int) int { return 1 << (bits.Len(uint(n)) - 1) }

// Do returns what came of the item. Where no batch is being written, it is written at once, by itself; else it waits for one
// to end, or for others with whom it makes half a batch. ctx ends that wait alone, and then nothing is written; once a batch
// has the item, Do returns when it is known what came of it.
func (c *Committer[T]) Do(ctx context.Context, item T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	if c.active == 0 {
		c.active++
		c.mu.Unlock()
		// By whoever asks, who need not be woken up.
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

// withdraw takes an item out of the queue, false where a batch has it.
func (c *Committer[T]) withdraw(w *waiting[T]) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, other := range c.queue {
		if other == w {
			c.queue = append(c.queue[:i], c.queue[i+1:]...)
			return true
		}
	}
	return false
}

// next goes on with what came while a batch was written.
func (c *Committer[T]) next() {
	if batch := c.another(); batch != nil {
		go c.drain(batch)
	}
}

// drain writes batches until nothing waits.
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

// begin has one more batch written. c.mu is held, and somebody waits.
func (c *Committer[T]) begin() {
	c.active++
	go c.drain(c.seal())
}

// await sets the timer. c.mu is held.
func (c *Committer[T]) await() {
	c.since = c.sealed
	c.timer.Reset(c.maxWait)
}

// waited is called where somebody has waited for maxWait.
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

// worthwhile is how many have to wait for a batch beside others.
func (c *Committer[T]) worthwhile() int { return max(c.maxBatch/2, 1) }

// another returns the batch that a writer goes on with, or nil: then one writer less is active. Who waits is left to the
// other writers, if any, where a batch beside theirs is not worthwhile.
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

// write returns a verdict on each item, whatever Commit does.
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
