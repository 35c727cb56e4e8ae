package sandbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"registrar/scripts"
)

// A keyedLock is held for one key at a time by one goroutine.
type keyedLock struct {
	mu   *sync.Mutex
	held map[string]*keyLock
}

// A keyLock exists while a goroutine holds it or waits for it.
type keyLock struct {
	locks   keyedLock
	key     string
	users   int           // guarded by locks.mu
	free    chan struct{} // of one element
	refused error         // result of the last holder, for callers that wait
}

func newKeyedLock() keyedLock { return keyedLock{mu: &sync.Mutex{}, held: map[string]*keyLock{}} }

// do runs f, which loads a module, while it holds the key. If the module is rejected, so it is for those who wait for
// the key meanwhile: they need not have it compiled again. The error is [ErrUnavailable] if ctx is done before.
func (l keyedLock) do(ctx context.Context, key string, f func() error) error {
	held, err := l.lock(ctx, key)
	if err != nil {
		return fmt.Errorf("%w: waiting for another load of the module: %w", ErrUnavailable, err)
	}
	defer held.unlock()
	if held.refused != nil {
		return held.refused
	}
	err = f()
	if rejected, ok := errors.AsType[*scripts.RejectedError](err); ok {
		held.refused = rejected
	}
	return err
}

// lock waits until the key is free, or ctx is done.
func (l keyedLock) lock(ctx context.Context, key string) (*keyLock, error) {
	l.mu.Lock()
	k := l.held[key]
	if k == nil {
		k = &keyLock{locks: l, key: key, free: make(chan struct{}, 1)}
		l.held[key] = k
	}
	k.users++
	l.mu.Unlock()
	select {
	case k.free <- struct{}{}:
		return k, nil
	case <-ctx.Done():
		k.leave()
		return nil, ctx.Err()
	}
}

func (k *keyLock) unlock() {
	<-k.free
	k.leave()
}

func (k *keyLock) leave() {
	k.locks.mu.Lock()
	defer k.locks.mu.Unlock()
	if k.users--; k.users == 0 {
		delete(k.locks.held, k.key)
	}
}

const (
	maxWaiting = 8           // modules that wait while one is compiled
	queueWait  = time.Minute // for others to be compiled
)

// A queue lets in one at a time.
type queue struct {
	places chan struct{} // one element for each that waits or is in
	turn   chan struct{} // one element while one is in
}

func newQueue() queue {
	return queue{places: make(chan struct{}, maxWaiting+1), turn: make(chan struct{}, 1)}
}

// enter waits for its turn. The error is [ErrUnavailable] if too many callers wait already, or this one waited too
// long.
func (q queue) enter(ctx context.Context) (leave func(), err error) {
	select {
	case q.places <- struct{}{}:
	default:
		return nil, fmt.Errorf("%w: %d others wait for a compilation to end", ErrUnavailable, maxWaiting)
	}
	ctx, cancel := context.WithTimeout(ctx, queueWait)
	defer cancel()
	select {
	case q.turn <- struct{}{}:
		return func() { <-q.turn; <-q.places }, nil
	case <-ctx.Done():
		<-q.places
		return nil, fmt.Errorf("%w: waiting for another compilation to end: %w", ErrUnavailable, ctx.Err())
	}
}
