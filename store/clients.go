package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"registrar/engine"
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

// client returns the client of a row.
func (s *Store) client(ctx context.Context, r *clientRow) (*engine.Client, error) {
	c := &engine.Client{ID: r.ClientID, IssuedAt: r.IssuedAt.UTC(), Provenance: engine.Provenance{Deployment: r.Deployment}}
	var errs [6]error
	c.RegistrationID, errs[0] = uuid.FromBytes(r.Registration)
	c.Metadata, errs[1] = parsed[engine.Metadata](r.Metadata)
	c.Caller, errs[2] = parsed[engine.Caller](r.Caller)
	c.Provenance.Acts, errs[3] = s.acts(ctx, r.Deployment, r.Acts)
	c.Secret, errs[4] = secretColumns{r.SecretHash, r.SecretSalt, r.SecretExpiresAt}.secret()
	errs[5] = s.management(ctx, r, c)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("client %s: %w", r.ClientID, err)
	}
	return c, nil
}

// Client returns the client with this ID, or [engine.ErrNotFound]. It equals what was added, but for white space between
// the tokens of raw JSON values.
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
		c, err := s.client(ctx, r)
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

// DeleteClient removes the client with this ID, or returns [engine.ErrNotFound]. If ctx ends or the connection breaks
// meanwhile, then it may be gone all the same.
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
