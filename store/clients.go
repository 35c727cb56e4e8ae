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

// AddClient stores c durably, and returns [engine.ErrExists] if c.ID is taken. Concurrent calls share one statement,
// but each returns the outcome of its own client. If c.Caller registered with an initial access token of limited uses,
// AddClient takes one use in the same transaction, and returns [engine.ErrTokenSpent] if none is left. If AddClient
// returns an error, then it stored nothing and took no use, with one exception below.
//
// Cancelling ctx ends only the wait before the statement, so that the outcome is always known: an error that matches
// [context.Canceled] means that nothing was stored. The exception is a database that stops responding during the
// statement and is then unreachable for 20 s. The error says that the outcome is unknown, and matches
// [engine.ErrUnavailable]. Calling AddClient again with the same c is safe: it recognizes c by its RegistrationID.
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

// createWithUse takes a use of a token and stores the row in one transaction.
func (s *Store) createWithUse(ctx context.Context, row *clientRow, token string) error {
	return s.transaction(ctx, func(tx *gorm.DB) error {
		if err := takeUse(tx, token); err != nil {
			return err
		}
		if !s.batchInsert.hasLater(ctx, row) {
			tx = tx.Omit(laterColumns[:]...)
		}
		return tx.Create(row).Error
	})
}

// isStored returns a function that reports whether the stored client with the row's ID is this one; see insertion.
func (s *Store) isStored(row *clientRow) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		var found clientRow
		err := s.reader.WithContext(ctx).Select("registration").Where("client_id = ?", row.ClientID).Take(&found).Error
		return bytes.Equal(found.Registration, row.Registration), err
	}
}

// Client returns the client with the given ID, or [engine.ErrNotFound]. It equals the client that was added, except for
// white space between the tokens of raw JSON values.
func (s *Store) Client(ctx context.Context, id string) (*engine.Client, error) {
	var row clientRow
	if err := s.reader.WithContext(ctx).Select(clientColumns).Where("client_id = ?", id).Take(&row).Error; err != nil {
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

// Clients returns clients with IDs above after, sorted by the bytes of their IDs. It returns at most limit of them; 0
// means 100, and the maximum is 1000. If q is not empty, only clients match whose ID begins with q, or whose name
// contains q in upper or lower case.
func (s *Store) Clients(ctx context.Context, after, q string, limit int) ([]*engine.Client, error) {
	db := s.reader.WithContext(ctx).Where("client_id > ?", after).Order("client_id").Limit(pageSize(limit))
	if q != "" {
		// INSTR and SUBSTR have no wildcards. SUBSTR counts bytes in MySQL, where IDs are binary, and characters in
		// SQLite. That is the same, because IDs are ASCII.
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

// pageSize returns the number of rows to read for a limit of n.
func pageSize(n int) int { return min(cmp.Or(max(n, 0), defaultLimit), maxLimit) }

// DeleteClient removes the client with the given ID, or returns [engine.ErrNotFound]. If ctx ends or the connection
// breaks, DeleteClient returns an error although the client may have been removed.
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
