package store

import (
	"context"
	"database/sql"
	"time"

	"gorm.io/gorm"
)

// maxAttempts bounds the attempts of a transaction that conflicts with others. Each conflict has one winner.
const maxAttempts = 100

// transaction runs f in a transaction. It runs f again after a deadlock; the observer counts all attempts as one.
func (s *Store) transaction(ctx context.Context, f func(*gorm.DB) error) error {
	if s.observer != nil {
		began := time.Now()
		defer func() { s.observer.StatementEnded(StatementTransaction, time.Since(began)) }()
	}
	var err error
	for range maxAttempts {
		err = s.writer.WithContext(ctx).Transaction(f, &sql.TxOptions{Isolation: s.isolation})
		if number(err) != deadlock {
			break
		}
	}
	return err
}
