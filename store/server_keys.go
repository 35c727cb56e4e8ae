package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

const keySize = 32

type keyRow struct {
	Name      string `gorm:"primaryKey"`
	Bytes     []byte
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
}

func (keyRow) TableName() string { return "server_keys" }

// Key returns the key of that name that all servers on the database share, 32 random bytes. The first call makes it.
// The key authenticates no one: it is for values that others must not be able to predict.
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
		made := &keyRow{Name: name, Bytes: make([]byte, keySize), CreatedAt: time.Now().UTC().Truncate(time.Microsecond)}
		if _, err := rand.Read(made.Bytes); err != nil {
			return nil, fmt.Errorf("making the key %s: %w", name, err)
		}
		// Where another server was first, its key is read.
		if err := s.writer.WithContext(ctx).Create(made).Error; err != nil && !errors.Is(err, gorm.ErrDuplicatedKey) {
			return nil, fmt.Errorf("storing the key %s: %w", name, classify(ctx, err))
		}
	}
	return nil, fmt.Errorf("storing the key %s: it is not there", name)
}
