package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

const keySize = 32 // bytes

type keyRow struct {
	Name      string `gorm:"primaryKey"`
	Bytes     []byte
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
}

func (keyRow) TableName() string { return "server_keys" }

// Key returns the named key: 32 random bytes that all servers on the database share. The first call creates it. The key
// is for values that clients must not be able to predict. It authenticates no one.
func (s *Store) Key(ctx context.Context, name string) ([]byte, error) {
	for range 2 {
		var row keyRow
		err := s.writer.WithContext(ctx).Where("name = ?", name).Take(&row).Error
		switch {
		case err == nil && len(row.Bytes) == keySize:
			return row.Bytes, nil
		case err == nil:
			return nil, fmt.Errorf("the key %s has %d bytes, not %d", name, len(row.Bytes), keySize)
		case !errors.Is(err, gorm.ErrRecordNotFound):
			return nil, fmt.Errorf("reading the key %s: %w", name, classify(ctx, err))
		}
		made := &keyRow{Name: name, Bytes: make([]byte, keySize),
			CreatedAt: time.Now().UTC().Truncate(time.Microsecond)}
		if _, err := rand.Read(made.Bytes); err != nil {
			return nil, fmt.Errorf("creating the key %s: %w", name, err)
		}
		// If another server creates the key first, the next round reads it.
		if err := s.writer.WithContext(ctx).Create(made).Error; err != nil && !errors.Is(err, gorm.ErrDuplicatedKey) {
			return nil, fmt.Errorf("storing the key %s: %w", name, classify(ctx, err))
		}
	}
	return nil, fmt.Errorf("storing the key %s: not found afterwards", name)
}
