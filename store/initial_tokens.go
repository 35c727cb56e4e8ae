package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"registrar/engine"
)

type initialTokenRow struct {
	ID        string `gorm:"primaryKey"`
	Hash      []byte
	Label     string
	Scopes    string
	MaxUses   int64
	UsesLeft  int64
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
	ExpiresAt sql.Null[time.Time]
}

func (initialTokenRow) TableName() string { return "initial_access_tokens" }

// AddInitialAccessToken stores t durably, with t.MaxUses uses left. It ignores t.UsesLeft. If ctx ends or the
// connection breaks, t may have been stored, and the error matches [engine.ErrOutcomeUnknown].
func (s *Store) AddInitialAccessToken(ctx context.Context, t *engine.InitialAccessToken) error {
	row, err := newInitialTokenRow(t)
	if err == nil {
		err = classifyWrite(ctx, s.writer.WithContext(ctx).Create(row).Error)
	}
	if err != nil {
		return fmt.Errorf("storing initial access token %s: %w", t.ID, err)
	}
	return nil
}

// newInitialTokenRow returns the row for a token with all its uses left.
func newInitialTokenRow(t *engine.InitialAccessToken) (*initialTokenRow, error) {
	if len(t.ID) < 1 || len(t.ID) > maxTokenID {
		return nil, fmt.Errorf("its ID has %d bytes: it must have 1 to %d", len(t.ID), maxTokenID)
	}
	scopes, err := encodeList(t.Scopes)
	if err != nil {
		return nil, err
	}
	createdAt, err := instant(t.CreatedAt)
	if err != nil {
		return nil, err
	}
	return &initialTokenRow{
		ID: t.ID, Hash: t.Hash[:], Label: t.Label, Scopes: scopes, MaxUses: t.MaxUses, UsesLeft: t.MaxUses,
		CreatedAt: createdAt, ExpiresAt: optionalTime(t.ExpiresAt),
	}, nil
}

// InitialAccessToken returns the token with the given hash, or [engine.ErrNotFound]. The token may be expired or spent.
func (s *Store) InitialAccessToken(ctx context.Context, hash [sha256.Size]byte) (*engine.InitialAccessToken, error) {
	var row initialTokenRow
	if err := s.reader.WithContext(ctx).Where("hash = ?", hash[:]).Take(&row).Error; err != nil {
		return nil, fmt.Errorf("reading an initial access token: %w", classifyRow(ctx, err, engine.ErrNotFound))
	}
	return row.token()
}

// InitialAccessTokens returns the latest 1,000 tokens, newest first.
func (s *Store) InitialAccessTokens(ctx context.Context) ([]*engine.InitialAccessToken, error) {
	var rows []*initialTokenRow
	err := s.reader.WithContext(ctx).Order("created_at DESC, id DESC").Limit(maxLimit).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("listing initial access tokens: %w", classify(ctx, err))
	}
	tokens := make([]*engine.InitialAccessToken, 0, len(rows))
	for _, r := range rows {
		t, err := r.token()
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
	}
	return tokens, nil
}

// DeleteInitialAccessToken removes the token with the given ID, or returns [engine.ErrNotFound]. Registrations with the
// token that are running fail, unless its uses are not limited. If ctx ends or the connection breaks, the token may
// have been removed, and the error matches [engine.ErrOutcomeUnknown].
func (s *Store) DeleteInitialAccessToken(ctx context.Context, id string) error {
	result := s.writer.WithContext(ctx).Where("id = ?", id).Delete(&initialTokenRow{})
	err := result.Error
	if err == nil && result.RowsAffected == 0 {
		err = engine.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("revoking initial access token %s: %w", id, classifyWrite(ctx, err))
	}
	return nil
}

// limited reports whether storing a client of a caller takes a use of a token. If not, callers that share the token
// need not wait for each other.
func (s *Store) limited(ctx context.Context, caller engine.Caller) (bool, error) {
	if caller.Auth != engine.AuthInitialAccessToken {
		return false, nil
	}
	var row initialTokenRow
	err := s.reader.WithContext(ctx).Select("max_uses").Where("id = ?", caller.TokenID).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return true, nil // takeUse then fails, unless the client is stored already
	}
	return row.MaxUses != 0, classify(ctx, err)
}

// takeUse takes a use of a token in tx. The token is locked until tx ends.
func takeUse(tx *gorm.DB, id string) error {
	result := tx.Model(&initialTokenRow{}).Where("id = ? AND uses_left > 0", id).
		Update("uses_left", gorm.Expr("uses_left - 1"))
	if result.Error == nil && result.RowsAffected == 0 {
		return engine.ErrTokenSpent
	}
	return result.Error
}

// giveUseBack undoes takeUse in tx. The token may have been deleted meanwhile.
func giveUseBack(tx *gorm.DB, id string) error {
	return tx.Model(&initialTokenRow{}).Where("id = ? AND uses_left < max_uses", id).
		Update("uses_left", gorm.Expr("uses_left + 1")).Error
}

func (r *initialTokenRow) token() (*engine.InitialAccessToken, error) {
	scopes, err := decodeJSON[[]string](r.Scopes)
	if err != nil || len(r.Hash) != sha256.Size {
		return nil, fmt.Errorf("initial access token %s: its row is corrupt", r.ID)
	}
	t := &engine.InitialAccessToken{
		ID: r.ID, Hash: [sha256.Size]byte(r.Hash), Label: r.Label, Scopes: scopes, MaxUses: r.MaxUses,
		UsesLeft:  r.UsesLeft,
		CreatedAt: r.CreatedAt.UTC(),
	}
	if len(scopes) == 0 {
		t.Scopes = nil
	}
	if r.ExpiresAt.Valid {
		t.ExpiresAt = r.ExpiresAt.V.UTC()
	}
	return t, nil
}
