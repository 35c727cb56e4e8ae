package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"registrar/engine"
	"registrar/scripts/catalog"
)

// eventRegistered is what happened to a client that AddClient wrote.
const eventRegistered = "registered"

// A clientRow is a client and what happened to it last.
type clientRow struct {
	ClientID        string `gorm:"primaryKey"`
	Registration    []byte
	IssuedAt        time.Time
	ClientName      sql.Null[string] // a copy out of Metadata, for searching
	Metadata        string
	Caller          string
	SecretHash      sql.Null[[]byte]
	SecretSalt      sql.Null[[]byte]
	SecretExpiresAt sql.Null[time.Time]
	Deployment      int64
	Acts            string

	// See management.go.
	Version           int64
	TokenHash         sql.Null[[]byte]
	FormerHash        sql.Null[[]byte]
	FormerSalt        sql.Null[[]byte]
	FormerExpiresAt   sql.Null[time.Time]
	UpdatedAt         sql.Null[time.Time] `gorm:"autoUpdateTime:false"`
	UpdatedDeployment sql.Null[int64]
	UpdatedActs       sql.Null[string]
	SeenAt            sql.Null[time.Time]

	// For an audit log and a feed of changes. A sequence has gaps: clients that were refused, or deleted since.
	Writer   []byte           // of the process that wrote
	Sequence int64            // the writer's count of clients, from 1
	Previous sql.Null[[]byte] // keyed hash of the writer's event before; NULL where no auditing is configured
	Event    string
}

func (clientRow) TableName() string { return "clients" }

// AddClient stores c, durably, in one statement. It returns [engine.ErrExists] if c.ID is taken, and does nothing then.
// Where c.Caller registered with an initial access token of limited uses, the same transaction takes one of them, or
// AddClient returns [engine.ErrTokenSpent] and does nothing.
// A cancelled ctx ends only the wait for a connection, so that the outcome is always known: an error that matches
// [context.Canceled] means that nothing was stored. The one exception is a database that stays away for 20 s in the
// middle of the statement; the error says so, and matches [engine.ErrUnavailable]. Calling again with the same c is
// safe: a client with c's Registration is ours.
func (s *Store) AddClient(ctx context.Context, c *engine.Client) error {
	row, err := s.newClientRow(c)
	if err != nil {
		return fmt.Errorf("storing client %s: %w", c.ID, err)
	}
	create := func(ctx context.Context) error { return s.writer.WithContext(ctx).Create(row).Error }
	limited, err := s.limited(ctx, c.Caller)
	if err != nil {
		return fmt.Errorf("storing client %s: %w", c.ID, err)
	}
	if limited {
		create = func(ctx context.Context) error {
			return s.transaction(ctx, func(tx *gorm.DB) error {
				if err := takeUse(tx, c.Caller.TokenID); err != nil {
					return err
				}
				return tx.Create(row).Error
			})
		}
	}
	err = s.insert(ctx, create,
		func(ctx context.Context) (bool, error) {
			var row clientRow
			err := s.reader.WithContext(ctx).Select("registration").Where("client_id = ?", c.ID).Take(&row).Error
			return bytes.Equal(row.Registration, c.Registration[:]), err
		})
	if errors.Is(err, errTaken) {
		err = engine.ErrExists
	}
	if err != nil {
		return fmt.Errorf("storing client %s: %w", c.ID, classify(ctx, err))
	}
	return nil
}

// maxClientID is the length of the longest client ID in bytes.
const maxClientID = 255

func (s *Store) newClientRow(c *engine.Client) (*clientRow, error) {
	if len(c.ID) < 1 || len(c.ID) > maxClientID {
		return nil, fmt.Errorf("the ID has %d bytes: 1 to %d are possible", len(c.ID), maxClientID)
	}
	row := &clientRow{
		ClientID:     c.ID,
		Registration: c.Registration[:],
		ClientName:   sql.Null[string]{V: c.Metadata.ClientName, Valid: c.Metadata.ClientName != ""},
		Deployment:   c.Provenance.Deployment,
		Writer:       s.writerID[:],
		Event:        eventRegistered,
	}
	var errs [5]error
	row.IssuedAt, errs[0] = instant(c.IssuedAt)
	row.Metadata, errs[1] = document(c.Metadata)
	row.Caller, errs[2] = document(c.Caller)
	row.Acts, errs[3] = list(c.Provenance.Acts)
	errs[4] = row.setManagement(c)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	secret := columnsOf(c.Secret)
	row.SecretHash, row.SecretSalt, row.SecretExpiresAt = secret.Hash, secret.Salt, secret.ExpiresAt
	row.Sequence = s.sequence.Add(1)
	return row, nil
}

func (r *clientRow) client() (*engine.Client, error) {
	c := &engine.Client{ID: r.ClientID, IssuedAt: r.IssuedAt.UTC(), Provenance: engine.Provenance{Deployment: r.Deployment}}
	var errs [6]error
	c.Registration, errs[0] = uuid.FromBytes(r.Registration)
	c.Metadata, errs[1] = parsed[engine.Metadata](r.Metadata)
	c.Caller, errs[2] = parsed[engine.Caller](r.Caller)
	c.Provenance.Acts, errs[3] = parsed[[]engine.Act](r.Acts)
	if len(c.Provenance.Acts) == 0 {
		c.Provenance.Acts = nil
	}
	c.Secret, errs[4] = secretColumns{r.SecretHash, r.SecretSalt, r.SecretExpiresAt}.secret()
	errs[5] = r.management(c)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("client %s: %w", r.ClientID, err)
	}
	return c, nil
}

// Client returns the client with this ID, or [catalog.ErrNotFound]. It equals what was added, but for white space between
// the tokens of raw JSON values.
func (s *Store) Client(ctx context.Context, id string) (*engine.Client, error) {
	var row clientRow
	if err := s.reader.WithContext(ctx).Where("client_id = ?", id).Take(&row).Error; err != nil {
		return nil, fmt.Errorf("reading client %s: %w", id, classify(ctx, err))
	}
	return row.client()
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

// Clients returns the clients after an ID, in the order of the IDs' bytes: at most limit of them, 1 to 1000, 0 meaning
// 100 and what is more 1000. q is with what the ID begins, exactly, or what the name contains, in any case; "" means all.
func (s *Store) Clients(ctx context.Context, after, q string, limit int) ([]*engine.Client, error) {
	db := s.reader.WithContext(ctx).Where("client_id > ?", after).Order("client_id").Limit(pageSize(limit))
	if q != "" {
		// INSTR and SUBSTR know no wildcards. In MySQL an ID is bytes, which is what SUBSTR then counts; in SQLite it
		// counts characters, which are the same thing in an ID, and a q of others is nobody's prefix.
		db = db.Where("SUBSTR(client_id, 1, ?) = ? OR INSTR(LOWER(client_name), LOWER(?)) > 0",
			len(q), q, strings.ToValidUTF8(q, "\uFFFD"))
	}
	var rows []*clientRow
	if err := db.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("listing clients: %w", classify(ctx, err))
	}
	clients := make([]*engine.Client, 0, len(rows))
	for _, r := range rows {
		c, err := r.client()
		if err != nil {
			return nil, fmt.Errorf("listing clients: %w", err)
		}
		clients = append(clients, c)
	}
	return clients, nil
}

func pageSize(n int) int {
	if n <= 0 {
		return defaultLimit
	}
	return min(n, maxLimit)
}

// DeleteClient removes the client with this ID, or returns [catalog.ErrNotFound]. If ctx ends or the connection breaks
// meanwhile, then it may be gone all the same.
func (s *Store) DeleteClient(ctx context.Context, id string) error {
	result := s.writer.WithContext(ctx).Where("client_id = ?", id).Delete(&clientRow{})
	err := result.Error
	if err == nil && result.RowsAffected == 0 {
		err = catalog.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("deleting client %s: %w", id, classify(ctx, err))
	}
	return nil
}
