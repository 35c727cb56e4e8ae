package store

import (
	"context"
	"database/sql"

	"gorm.io/gorm"
)

// maxAttempts bounds how often a transaction that lost against another one is tried again. One of them wins each time.
const maxAttempts = 100

// transaction runs f in a transaction, and again where the database ended it because of another one.
func (s *Store) transaction(ctx context.Context, f func(*gorm.DB) error) error {
	var err error
	for range maxAttempts {
		err = s.writer.WithContext(ctx).Transaction(f, &sql.TxOptions{Isolation: s.isolation})
		if number(err) != deadlock {
			break
		}
	}
	return err
}
