package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"registrar/engine"
)

// AddClient stores c, durably. Clients that wait at the same time are stored by one statement, and each call returns
// what became of its own. It returns [engine.ErrExists] if c.ID is taken, and does nothing then. If c.Caller registered
// with an initial access token of limited uses, a transaction takes one of them and stores c, or AddClient returns
// [engine.ErrTokenSpent] and does nothing.
//
// A cancelled ctx ends only the wait before the statement, so that the outcome is always known: an error that matches
// [context.Canceled] means that nothing was stored. The one exception is a database that falls silent in the middle of
// the statement and then stays away for 20 s; the error says so, and matches [engine.ErrUnavailable]. Calling again
// with the same c is safe: a client with c's RegistrationID is ours.
func (s *Store) AddClient(ctx context.Context, c *engine.Client) error {
	err := s.addClient(ctx, c)
	if errors.Is(err, errTaken) {
		err = engine.ErrExists
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
		return s.addRow(ctx, row)
	}
	return s.insert(ctx, &insertion{
		create: func(ctx context.Context) error { return s.createWithUse(ctx, row, c.Caller.TokenID) },
		isOurs: s.isStored(row),
	})
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

// isStored returns a function that reports whether the client that has the row's ID is the row's; see insert.
func (s *Store) isStored(row *clientRow) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		var found clientRow
		err := s.reader.WithContext(ctx).Select("registration").Where("client_id = ?", row.ClientID).Take(&found).Error
		return bytes.Equal(found.Registration, row.Registration), err
	}
}

// Client returns the client with this ID, or [engine.ErrNotFound]. It equals what was added, but for white space
// between the tokens of raw JSON values.
func (s *Store) Client(ctx context.Context, id string) (*engine.Client, error) {
	var row clientRow
	if err := s.reader.WithContext(ctx).Where("client_id = ?", id).Take(&row).Error; err != nil {
		return nil, fmt.Errorf("reading client %s: %w", id, classifyRow(ctx, err, engine.ErrNotFound))
	}
	return s.client(ctx, &row)
}

// ClientExists reports whether id is taken.
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

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// Clients returns the clients after an ID, in the order of the IDs' bytes: at most limit of them, 1 to 1000, where 0
// means 100 and more than 1000 means 1000. q is a prefix of the ID, exactly, or a part of the name, in any case; ""
// means all.
func (s *Store) Clients(ctx context.Context, after, q string, limit int) ([]*engine.Client, error) {
	db := s.reader.WithContext(ctx).Where("client_id > ?", after).Order("client_id").Limit(pageSize(limit))
	if q != "" {
		// INSTR and SUBSTR know no wildcards. In MySQL an ID is bytes, which is what SUBSTR then counts; in SQLite it
		// counts characters, which are the same thing in an ID; a q with other characters is the prefix of no ID.
		db = db.Where("SUBSTR(client_id, 1, ?) = ? OR INSTR(LOWER(client_name), LOWER(?)) > 0",
			len(q), q, strings.ToValidUTF8(q, "\uFFFD"))
	}
	var rows []*clientRow
	if err := db.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("listing clients: %w", classify(ctx, err))
	}
	clients := make([]*engine.Client, 0, len(rows))
	for _, r := range rows {
		c, err := s.client(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("listing clients: %w", err)
		}
		clients = append(clients, c)
	}
	return clients, nil
}

// pageSize returns how many rows to read where a caller asks for n.
func pageSize(n int) int { return min(cmp.Or(max(n, 0), defaultLimit), maxLimit) }

// DeleteClient removes the client with this ID, or returns [engine.ErrNotFound]. If ctx ends or the connection breaks
// meanwhile, then the client may be gone all the same.
func (s *Store) DeleteClient(ctx context.Context, id string) error {
	result := s.writer.WithContext(ctx).Where("client_id = ?", id).Delete(&clientRow{})
	err := result.Error
	if err == nil && result.RowsAffected == 0 {
		err = engine.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("deleting client %s: %w", id, classify(ctx, err))
	}
	return nil
}
