package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"registrar/engine"
	"registrar/store/groupcommit"
)

// AddClient stores c durably, and returns [engine.ErrExists] if c.ID is taken. Concurrent calls share one statement,
// but each returns the outcome of its own client. If c.Caller registered with an initial access token of limited uses,
// AddClient takes one use in the same transaction, and returns [engine.ErrTokenSpent] if none is left. If AddClient
// returns an error, then it stored nothing and took no use, with one exception below.
//
// AddClient returns by the deadline of ctx. Cancelling ctx ends only the wait before the statement: an error that
// matches [context.Canceled] means that nothing was stored. The exception is a statement that the database has not
// answered by the deadline, or whose connection broke and whose outcome is not found out within 20 s: the row may be
// stored, or be stored later. The client is then in doubt, and the error matches [engine.ErrUnavailable]. As soon as
// the database answers, this process removes the client and gives the use of the token back. Until then AddClient
// returns [engine.ErrUnavailable] for the same ID, and for every client while 1,024 are in doubt.
func (s *Store) AddClient(ctx context.Context, c *engine.Client) error {
	err := s.doubts.admit(c.ID)
	if err == nil {
		err = s.addClient(ctx, c)
		s.beats.noteOutcome(err)
	}
	if errors.Is(err, errTaken) {
		// It may be taken by a client that is in doubt.
		if err = s.doubts.admit(c.ID); err == nil {
			err = engine.ErrExists
		}
	}
	if err != nil {
		return fmt.Errorf("storing client %s: %w", c.ID, classify(ctx, err))
	}
	return nil
}

func (s *Store) addClient(ctx context.Context, c *engine.Client) error {
	row, err := s.newClientRow(ctx, c)
	if err != nil {
		return err
	}
	limited, err := s.limited(ctx, c.Caller)
	if err != nil {
		return err
	}
	if !limited {
		err = s.addRow(ctx, row)
	} else {
		err = s.insert(ctx, &insertion{
			create: func(ctx context.Context) error { return s.createWithUse(ctx, row, c.Caller.TokenID) },
			isOurs: s.isStored(row),
		})
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, groupcommit.ErrLeft) {
		s.doubts.left(row)
		return &unknownError{fmt.Errorf("%w: %w", context.DeadlineExceeded, err)}
	}
	if _, unknown := errors.AsType[*unknownError](err); unknown || maybeStored(err) {
		token := ""
		if limited {
			token = c.Caller.TokenID
		}
		s.doubts.begin(row, token)
	}
	return err
}

// createWithUse takes a use of a token and stores the row in one transaction.
func (s *Store) createWithUse(ctx context.Context, row *clientRow, token string) error {
	complete := false // whether COMMIT may have been sent
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		complete = false
		if err := takeUse(tx, token); err != nil {
			return err
		}
		err := s.batchInsert.run(ctx, tx, []*clientRow{row})
		complete = err == nil
		return err
	})
	if err != nil && !complete && !settled(classify(ctx, err)) {
		return &unsentError{err}
	}
	return err
}

// isStored returns a function that reports whether the stored client with the row's ID is this one; see insertion.
func (s *Store) isStored(row *clientRow) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		var found clientRow
		err := s.reader.WithContext(ctx).Select("registration").Where("client_id = ?", row.ClientID).Take(&found).Error
		return bytes.Equal(found.Registration, row.Registration), err
	}
}

// Client returns the client with the given ID, or [engine.ErrNotFound]; that of a metadata document as it is stored,
// without the text of the document. It equals the client that was added, except for white space between the tokens of
// raw JSON values.
func (s *Store) Client(ctx context.Context, id string) (*engine.Client, error) {
	if isDocument(id) {
		return s.document(ctx, id)
	}
	c, err := s.lookUpClient(ctx, clientByID, id)
	if err != nil {
		return nil, fmt.Errorf("reading client %s: %w", id, err)
	}
	return c, nil
}

// ClientExists reports whether a registered client has the ID.
func (s *Store) ClientExists(ctx context.Context, id string) (bool, error) {
	var one int
	err := s.reader.WithContext(ctx).Model(&clientRow{}).Select("1").Where("client_id = ?", id).Take(&one).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for client %s: %w", id, classify(ctx, err))
	}
	return true, nil
}

// DeleteClient removes the client with the given ID, or returns [engine.ErrNotFound]. If ctx ends or the connection
// breaks, the client may have been removed, and the error matches [engine.ErrOutcomeUnknown].
func (s *Store) DeleteClient(ctx context.Context, id string) error {
	var table any = &clientRow{}
	if isDocument(id) {
		table = &documentRow{}
	}
	result := s.writer.WithContext(ctx).Where("client_id = ?", id).Delete(table)
	err := result.Error
	if err == nil && result.RowsAffected == 0 {
		err = engine.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("deleting client %s: %w", id, classifyWrite(ctx, err))
	}
	return nil
}
