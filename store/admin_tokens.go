package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"registrar/internal/token"
)

type adminTokenRow struct {
	ID        string `gorm:"primaryKey"`
	Hash      []byte
	Role      string
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
}

func (adminTokenRow) TableName() string { return "admin_tokens" }

const maxTokenID = 64 // bytes

// AddAdminToken stores t durably and returns true. If another token has t.ID, it changes nothing and returns false. If
// several processes add tokens with the same ID, exactly one of them gets true. As with [Store.AddClient], ctx ends
// only the wait for a connection.
func (s *Store) AddAdminToken(ctx context.Context, t token.Admin) (added bool, err error) {
	if len(t.ID) < 1 || len(t.ID) > maxTokenID {
		return false, fmt.Errorf("storing admin token %s: its ID has %d bytes: it must have 1 to %d",
			t.ID, len(t.ID), maxTokenID)
	}
	row := &adminTokenRow{ID: t.ID, Hash: t.Hash[:], Role: t.Role}
	if row.CreatedAt, err = instant(t.CreatedAt); err != nil {
		return false, fmt.Errorf("storing admin token %s: %w", t.ID, err)
	}
	create := func(ctx context.Context) error { return s.writer.WithContext(ctx).Create(row).Error }
	isOurs := func(ctx context.Context) (bool, error) {
		var found adminTokenRow
		err := s.reader.WithContext(ctx).Select("hash").Where("id = ?", t.ID).Take(&found).Error
		return bytes.Equal(found.Hash, t.Hash[:]), err
	}
	err = s.insert(ctx, &insertion{create: create, isOurs: isOurs})
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, errTaken):
		return false, nil
	}
	return false, fmt.Errorf("storing admin token %s: %w", t.ID, classify(ctx, err))
}

// AdminTokens returns all admin tokens, oldest first.
func (s *Store) AdminTokens(ctx context.Context) ([]token.Admin, error) {
	var rows []*adminTokenRow
	if err := s.reader.WithContext(ctx).Order("created_at, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("listing admin tokens: %w", classify(ctx, err))
	}
	tokens := make([]token.Admin, 0, len(rows))
	for _, r := range rows {
		if len(r.Hash) != sha256.Size {
			return nil, fmt.Errorf("admin token %s: its hash has %d bytes", r.ID, len(r.Hash))
		}
		hash := [sha256.Size]byte(r.Hash)
		tokens = append(tokens, token.Admin{ID: r.ID, Hash: hash, Role: r.Role, CreatedAt: r.CreatedAt.UTC()})
	}
	return tokens, nil
}
