package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ncruces/go-sqlite3"
	"gorm.io/gorm"

	"registrar/engine"
)

const (
	// statementTimeout bounds one INSERT whose outcome matters, and one look-up of it.
	statementTimeout = 10 * time.Second
	// outcomeTimeout bounds the search for an outcome: statements, look-ups and pauses together.
	outcomeTimeout = 20 * time.Second
	// maxAttempts bounds how often a transaction that lost against another one is tried again. Somebody wins each time.
	maxAttempts = 100
)

// errTaken is a key that another row has.
var errTaken = errors.New("the key is taken")

// insert runs create, a single INSERT of a row with a key or a transaction that ends with one, and returns when its
// outcome is known: nil if the row is there, durably; errTaken if another one has its key; and every other error if the
// row is not there.
//
// ctx ends the wait for a connection. From then on it is not heard: a statement cut off would leave us in doubt whether
// it took effect. If the connection itself breaks, mine looks up whether the row with the key is ours (it returns
// [gorm.ErrRecordNotFound] where there is none), and the same row is inserted again if there is none: should the first
// statement be on its way yet, then one of the two finds the key taken, by us. A transaction that is on its way yet has
// locked the token whose use it takes, so that the next one, which finds the token spent, comes after it. If the database
// stays away for outcomeTimeout, or ctx ends meanwhile, then the error says that the outcome is unknown.
func (s *Store) insert(ctx context.Context, create func(context.Context) error, mine func(context.Context) (bool, error)) error {
	return s.insertAfter(ctx, nil, create, mine)
}

// insertAfter is insert where the row was sent before, and what came of it is unknown because of doubt; nil stands for a
// row that is certainly not there.
func (s *Store) insertAfter(ctx context.Context, doubt error, create func(context.Context) error, mine func(context.Context) (bool, error)) error {
	err := s.turn(ctx)
	if err != nil {
		if doubt != nil {
			return unknown(doubt)
		}
		return err
	}
	defer func() { <-s.turns }()
	search, cancel := context.WithTimeout(context.WithoutCancel(ctx), outcomeTimeout)
	defer cancel()

	vacant := 0
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err = within(search, create)
		if err == nil {
			return nil
		}
		duplicate := errors.Is(err, gorm.ErrDuplicatedKey)
		spent := errors.Is(err, engine.ErrTokenSpent)                                        // perhaps by us
		if !duplicate && !spent && doubt == nil && settled(err) && number(err) != deadlock { // which invites to try again
			return err
		}
		// database/sql may itself have sent the statement twice, so that a duplicate, too, can be ours.
		var own bool
		look := within(search, func(ctx context.Context) (err error) { own, err = mine(ctx); return err })
		switch {
		case look == nil && own:
			return nil
		case look == nil:
			return errTaken
		case spent && errors.Is(look, gorm.ErrRecordNotFound):
			return err
		case duplicate && errors.Is(look, gorm.ErrRecordNotFound):
			// Who had the key is gone; or it is not this key that is taken.
			if vacant++; vacant == 3 {
				return err
			}
		case !duplicate:
			doubt = err
		}
		select {
		case <-time.After(pause):
			continue
		case <-ctx.Done(): // not named in the error, where it would mean that nothing was stored
		case <-search.Done():
		}
		return unknown(err)
	}
}

// turn waits until fewer inserts are under way than there may be, or ctx ends.
func (s *Store) turn(ctx context.Context) error {
	if err := ctx.Err(); err != nil { // select picks either
		return err
	}
	select {
	case s.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func unknown(err error) error { return fmt.Errorf("it is unknown whether this took effect: %w", err) }

// settled reports whether a statement that returned err certainly had no effect.
func settled(err error) bool {
	if !unavailable(err) {
		return true // the database said what is wrong with it
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok {
		return dial.Op == "dial"
	}
	if errors.Is(err, driver.ErrBadConn) {
		return true // drivers promise not to return it once a statement was sent
	}
	if _, ok := errors.AsType[sqlite3.ErrorCode](err); ok {
		return true // the database is in this process: what it fails to do it takes back
	}
	switch number(err) {
	case 0, // not an answer of the server's
		1053, 1317, 1927, 1969, 3024: // ended from outside, perhaps while it was being committed
		return false
	}
	return true
}

func within(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	return classify(ctx, f(ctx))
}

// transaction runs f in a transaction, and again where the database ended it because of another one.
func (s *Store) transaction(ctx context.Context, f func(*gorm.DB) error) error {
	var err error
	for range maxAttempts {
		err = s.writer.WithContext(ctx).Transaction(f, &sql.TxOptions{Isolation: s.isolation})
		if number(err) != deadlock {
			break
		}
	}
	return err
}
