package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"registrar/engine"
)

const (
	// statementTimeout bounds one INSERT, and one look-up of its outcome.
	statementTimeout = 10 * time.Second
	// outcomeTimeout bounds the search for an outcome: statements, look-ups and pauses together.
	outcomeTimeout = 20 * time.Second
	// maxVacant bounds the attempts that find the key taken, but then no row with it.
	maxVacant = 3
)

// errTaken reports that another row has the key.
var errTaken = errors.New("the key is taken")

// An outcome is the state of a row after an attempt to insert it.
type outcome int

const (
	outcomeUnknown outcome = iota // the row may be stored or not; another attempt may tell
	outcomeStored                 // the row is stored durably
	outcomeTaken                  // another row has its key
	outcomeRefused                // the row is not stored, and another attempt would fail too
)

// An insertion describes a row to insert.
type insertion struct {
	// create runs a single INSERT of a row with a key, or a transaction that ends with one.
	create func(context.Context) error
	// isOurs reports whether the stored row with the key is this one, or [gorm.ErrRecordNotFound] if there is none.
	isOurs func(context.Context) (bool, error)
	// unknownErr is the error of an earlier attempt that may have stored the row; nil if no attempt can have.
	unknownErr error
	// vacant counts the attempts that found the key taken, but then no row with it.
	vacant int
}

// insert inserts a row and finds out the outcome. It returns nil if the row is stored durably, errTaken if another row
// has its key, an *unknownError if the row may be stored or not, and any other error if it is not stored.
//
// Cancelling ctx ends the wait for a write slot. After that it does not interrupt statements, because an interrupted
// statement may or may not take effect; the deadline of ctx does. If the connection breaks, isOurs looks for the row,
// and if there is none, the same row is inserted again. If the first statement is then still running, one of the two
// finds the key taken by the other, which isOurs recognizes. Likewise a running transaction has locked the token whose
// use it takes; the next one waits for it and finds the token spent. The outcome is unknown if the database is
// unreachable for outcomeTimeout, or until ctx ends.
func (s *Store) insert(ctx context.Context, in *insertion) error {
	if err := s.takeWriteSlot(ctx); err != nil {
		return in.known(err)
	}
	defer s.freeWriteSlot()
	search, end := uncancelled(ctx)
	defer end()
	search, cancel := context.WithTimeout(search, outcomeTimeout)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		result, err := in.attempt(search)
		switch result {
		case outcomeStored:
			return nil
		case outcomeTaken:
			return errTaken
		case outcomeRefused:
			return err
		}
		select {
		case <-time.After(pause):
			continue
		case <-ctx.Done():
		case <-search.Done():
		}
		return in.known(err)
	}
}

// known returns err, or an *unknownError if an attempt may have stored the row.
func (in *insertion) known(err error) error {
	if in.unknownErr != nil {
		return &unknownError{in.unknownErr}
	}
	return err
}

// An unknownError reports that a write may have taken effect or not, or may do so later. It does not match
// [context.Canceled], which means that nothing was stored.
type unknownError struct{ err error }

// Error adds that the outcome is unknown.
func (e *unknownError) Error() string { return fmt.Sprintf("the outcome is unknown: %v", e.err) }

// Unwrap returns what matches.
func (e *unknownError) Unwrap() []error {
	if errors.Is(e.err, context.Canceled) {
		return []error{engine.ErrUnavailable}
	}
	return []error{engine.ErrUnavailable, e.err}
}

// attempt creates the row. If that fails and the error does not tell the outcome, it looks up which row has the key.
func (in *insertion) attempt(ctx context.Context) (outcome, error) {
	err := within(ctx, in.create)
	if err == nil {
		return outcomeStored, nil
	}
	duplicate := errors.Is(err, gorm.ErrDuplicatedKey)
	spent := errors.Is(err, engine.ErrTokenSpent) // perhaps by an earlier attempt
	_, again := errors.AsType[*unsentError](err)
	again = again || number(err) == deadlock // the statement had no effect, and should be tried again
	if !duplicate && !spent && !again && in.unknownErr == nil && settled(err) {
		return outcomeRefused, err
	}
	// Even at the first attempt a duplicate may be ours: database/sql may have sent the statement twice.
	var ours bool
	look := within(ctx, func(ctx context.Context) (err error) { ours, err = in.isOurs(ctx); return err })
	vacant := errors.Is(look, gorm.ErrRecordNotFound)
	switch {
	case look == nil && ours:
		return outcomeStored, nil
	case look == nil:
		return outcomeTaken, err
	case vacant && spent:
		return outcomeRefused, err
	case vacant && duplicate:
		// The row with the key was deleted, or another unique key is taken.
		if in.vacant++; in.vacant == maxVacant {
			return outcomeRefused, err
		}
	case !duplicate && !spent && !again:
		in.unknownErr = err
	}
	return outcomeUnknown, err
}

// takeWriteSlot waits for one of the slots that bound concurrent insertions, or until ctx ends.
func (s *Store) takeWriteSlot(ctx context.Context) error {
	if err := ctx.Err(); err != nil { // select may pick a free slot instead
		return err
	}
	select {
	case s.writeSlots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) freeWriteSlot() { <-s.writeSlots }

// within runs f for at most statementTimeout.
func within(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	return classify(ctx, f(ctx))
}
