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
	// statementTimeout bounds one INSERT whose outcome matters, and one look-up of it.
	statementTimeout = 10 * time.Second
	// outcomeTimeout bounds the search for an outcome: statements, look-ups and pauses together.
	outcomeTimeout = 20 * time.Second
	// maxVacant bounds how often a key is found to be taken, and then not to be there.
	maxVacant = 3
)

// errTaken reports that another row has the key.
var errTaken = errors.New("the key is taken")

// An outcome is what is known of a row after an attempt to insert it.
type outcome int

const (
	outcomeUnknown outcome = iota // the row may be there or not; another attempt may tell
	outcomeStored                 // the row is there, durably
	outcomeTaken                  // another row has its key
	outcomeRefused                // the row is not there, and another attempt would fail too
)

// An insertion is a row on its way into the database.
type insertion struct {
	// create runs a single INSERT of a row with a key, or a transaction that ends with one.
	create func(context.Context) error
	// isOurs looks up whether the row with the key is ours. It returns [gorm.ErrRecordNotFound] if there is none.
	isOurs func(context.Context) (bool, error)
	// unknownErr says why an earlier attempt may have stored the row; nil if none can have.
	unknownErr error
	// vacant counts the attempts for which the key was taken, and then no row had it.
	vacant int
}

// insert returns when the outcome of an insertion is known: nil if the row is there, durably; errTaken if another one has
// its key; and every other error if the row is not there.
//
// ctx ends the wait for a write slot and a connection. From then on it is ignored: a statement that is cut off may or may
// not take effect. If the connection itself breaks, isOurs looks for the row, and if there is none, the same row is
// inserted again: should the first statement still be on its way, then one of the two finds the key taken, by us. A
// transaction that is still on its way has locked the token whose use it takes, so that the next one, which finds the
// token spent, comes after it. If the database stays away for outcomeTimeout, or ctx ends meanwhile, then the error says
// that the outcome is unknown.
func (s *Store) insert(ctx context.Context, in *insertion) error {
	if err := s.takeWriteSlot(ctx); err != nil {
		if in.unknownErr != nil {
			return unknownOutcome(in.unknownErr)
		}
		return err
	}
	defer s.freeWriteSlot()
	search, cancel := context.WithTimeout(context.WithoutCancel(ctx), outcomeTimeout)
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
		case <-ctx.Done(): // not named in the error, where it would mean that nothing was stored
		case <-search.Done():
		}
		return unknownOutcome(err)
	}
}

// attempt creates the row. Where that fails, it looks up which row has the key, unless the error itself tells the
// outcome.
func (in *insertion) attempt(ctx context.Context) (outcome, error) {
	err := within(ctx, in.create)
	if err == nil {
		return outcomeStored, nil
	}
	duplicate := errors.Is(err, gorm.ErrDuplicatedKey)
	spent := errors.Is(err, engine.ErrTokenSpent) // perhaps by an earlier attempt
	deadlocked := number(err) == deadlock         // the server asks to try again
	if !duplicate && !spent && !deadlocked && in.unknownErr == nil && settled(err) {
		return outcomeRefused, err
	}
	// A duplicate may be ours at the first attempt too: database/sql may have sent the statement twice.
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
		// The row that had the key is gone, or it is another key that is taken.
		if in.vacant++; in.vacant == maxVacant {
			return outcomeRefused, err
		}
	case !duplicate:
		in.unknownErr = err
	}
	return outcomeUnknown, err
}

// takeWriteSlot waits until fewer insertions are under way than there may be, or ctx ends.
func (s *Store) takeWriteSlot(ctx context.Context) error {
	if err := ctx.Err(); err != nil { // select picks either
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

func unknownOutcome(err error) error {
	return fmt.Errorf("it is unknown whether this took effect: %w", err)
}

// within runs f for at most statementTimeout.
func within(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	return classify(ctx, f(ctx))
}
