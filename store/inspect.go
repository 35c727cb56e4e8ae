package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// DatabaseName returns cfg.Database without the password, for messages.
func DatabaseName(cfg Config) (string, error) {
	b, err := parse(cfg)
	if err != nil {
		return "", err
	}
	return b.name, nil
}

// SchemaVersion returns the version of the database's schema, 0 if the database is empty. It migrates nothing. A SQLite
// file must exist.
func SchemaVersion(ctx context.Context, cfg Config) (version int64, err error) {
	b, err := parse(cfg)
	if err != nil {
		return 0, err
	}
	pools, err := b.open(ctx)
	if err != nil {
		return 0, fmt.Errorf("opening %s: %w", b.name, classify(ctx, err))
	}
	version, err = schemaVersion(ctx, b.dialect, pools[0].DB)
	for _, p := range pools {
		err = errors.Join(err, p.Close())
	}
	if err != nil {
		return 0, fmt.Errorf("reading the version of %s: %w", b.name, classify(ctx, err))
	}
	return version, nil
}

// TryWrite returns an error unless the database takes writes. It writes a row and takes it back.
func (s *Store) TryWrite(ctx context.Context) error {
	tx, err := s.beats.db.BeginTx(ctx, nil)
	if err == nil {
		_, err = tx.ExecContext(ctx, s.beats.statements.beat, s.ReplicaID(), "", "", nil, "",
			time.Since(s.beats.opened).Microseconds())
		err = errors.Join(err, tx.Rollback())
	}
	if err != nil {
		return fmt.Errorf("writing to %s: %w", s.name, classify(ctx, err))
	}
	return nil
}
