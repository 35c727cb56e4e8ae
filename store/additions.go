package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"registrar/engine"
	"registrar/store/groupcommit"
)

const (
	// maxBatchWriters bounds the batches of clients that are on their way at the same time, where many wait.
	maxBatchWriters = 4
	// maxBatch bounds the clients of a batch.
	maxBatch = 64
)

// AddClient stores c, durably. Those that wait at the same time are stored by one statement, and each hears what became
// of it. It returns [engine.ErrExists] if c.ID is taken, and does nothing then.
// Where c.Caller registered with an initial access token of limited uses, a transaction of its own takes one of them, or
// AddClient returns [engine.ErrTokenSpent] and does nothing.
// A cancelled ctx ends only the wait before the statement, so that the outcome is always known: an error that matches
// [context.Canceled] means that nothing was stored. The one exception is a database that falls silent in the middle of the
// statement and then stays away for 20 s; the error says so, and matches [engine.ErrUnavailable]. Calling again with the
// same c is safe: a client with c's RegistrationID is ours.
func (s *Store) AddClient(ctx context.Context, c *engine.Client) error {
	row, err := s.newClientRow(ctx, c)
	if err != nil {
		return fmt.Errorf("storing client %s: %w", c.ID, err)
	}
	limited, err := s.limited(ctx, c.Caller)
	if err != nil {
		return fmt.Errorf("storing client %s: %w", c.ID, err)
	}
	if limited {
		err = s.insert(ctx, func(ctx context.Context) error { return s.createWithUse(ctx, row, c.Caller.TokenID) }, s.stored(row))
	} else {
		err = s.addRow(ctx, row)
	}
	if errors.Is(err, errTaken) {
		err = engine.ErrExists
	}
	if err != nil {
		return fmt.Errorf("storing client %s: %w", c.ID, classify(ctx, err))
	}
	return nil
}

// createWithUse takes a use of a token and stores the row, or neither.
func (s *Store) createWithUse(ctx context.Context, row *clientRow, token string) error {
	return s.transaction(ctx, func(tx *gorm.DB) error {
		if err := takeUse(tx, token); err != nil {
			return err
		}
		return tx.Create(row).Error
	})
}

// stored returns a function that reports whether the client that has the row's ID is the row's; see insert.
func (s *Store) stored(row *clientRow) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		var found clientRow
		err := s.reader.WithContext(ctx).Select("registration").Where("client_id = ?", row.ClientID).Take(&found).Error
		return bytes.Equal(found.Registration, row.Registration), err
	}
}

// A setback is what keeps a batch from being stored, but perhaps not each of its rows.
type setback struct {
	err   error
	doubt bool // the batch may have been stored all the same
}

func (b *setback) Error() string { return b.err.Error() }
func (b *setback) Unwrap() error { return b.err }

// addRow stores the row together with those that wait at the same time. Where that fails, each repeats its own by itself:
// a duplicate fails alone, and nobody who comes later waits behind rows whose outcome is being looked for.
func (s *Store) addRow(ctx context.Context, row *clientRow) error {
	err := s.additions.Do(ctx, row)
	failed, ok := errors.AsType[*setback](err)
	if !ok {
		return err
	}
	var doubt error
	if failed.doubt {
		doubt = failed.err
	} else {
		ctx = context.WithoutCancel(ctx) // its batch was sealed
	}
	return s.insertAfter(ctx, doubt, func(ctx context.Context) error { return s.writer.WithContext(ctx).Create(row).Error }, s.stored(row))
}

// newAdditions gathers what addRow is given.
func (s *Store) newAdditions(writers int) *groupcommit.Committer[*clientRow] {
	return groupcommit.New(groupcommit.Config[*clientRow]{Commit: s.createRows, Writers: min(writers, maxBatchWriters), MaxBatch: maxBatch})
}

// createRows stores all rows in one statement, or none. ctx has no end: the MySQL driver watches one that has from a
// goroutine, and to wake that twice takes a tenth of the server's processor time over one connection. What bounds the
// statement is how long the connection may be silent; see mysqlReadWrite and sqliteBusy.
func (s *Store) createRows(ctx context.Context, rows []*clientRow) []error {
	err := classify(ctx, s.inserts.run(ctx, s.writer, rows))
	if err == nil {
		return nil
	}
	sure := settled(err)
	if !sure || !unavailable(err) || number(err) == deadlock {
		err = &setback{err: err, doubt: !sure}
	}
	verdicts := make([]error, len(rows))
	for i := range verdicts {
		verdicts[i] = err
	}
	return verdicts
}

// maxClientID is the length of the longest client ID in bytes.
const maxClientID = 255

func (s *Store) newClientRow(ctx context.Context, c *engine.Client) (*clientRow, error) {
	if len(c.ID) < 1 || len(c.ID) > maxClientID {
		return nil, fmt.Errorf("the ID has %d bytes: 1 to %d are possible", len(c.ID), maxClientID)
	}
	row := &clientRow{
		ClientID:     c.ID,
		Registration: c.RegistrationID[:],
		ClientName:   sql.Null[string]{V: c.Metadata.ClientName, Valid: c.Metadata.ClientName != ""},
		Deployment:   c.Provenance.Deployment,
		Writer:       s.writerID[:],
		Event:        eventRegistered,
	}
	var errs [5]error
	row.IssuedAt, errs[0] = instant(c.IssuedAt)
	metadata, err := c.EncodedMetadata()
	row.Metadata, errs[1] = string(metadata), err
	row.Caller, errs[2] = document(c.Caller)
	row.Acts, errs[3] = s.actsText(ctx, c.Provenance.Deployment, c.Provenance.Acts)
	errs[4] = s.setManagement(ctx, row, c)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	secret := columnsOf(c.Secret)
	row.SecretHash, row.SecretSalt, row.SecretExpiresAt = secret.Hash, secret.Salt, secret.ExpiresAt
	row.Sequence = s.sequence.Add(1)
	return row, nil
}
