package cli

import (
	"context"
	"fmt"
	"log/slog"

	"registrar/store"
)

// migrateCommand migrates the database's schema.
type migrateCommand struct {
	databaseFlags
	logFlags
	To *int64 `placeholder:"N" help:"Version to migrate to, up or down. Defaults to the newest. 0 drops all tables and their data."`
}

// Run migrates.
func (c *migrateCommand) Run(ctx context.Context, to *console) error {
	version := store.LatestVersion
	if c.To != nil {
		if version = *c.To; version < 0 {
			return usageError{fmt.Errorf("--to %d: must be 0 or more", version)}
		}
	}
	config := store.Config{Database: c.Database, Logger: slog.New(c.handler(to.err))}
	from, now, err := store.Migrate(ctx, config, version)
	if err != nil {
		return err
	}
	if from == now {
		_, err = fmt.Fprintf(to.out, "the schema already has version %d\n", now)
		return err
	}
	_, err = fmt.Fprintf(to.out, "migrated the schema from version %d to %d\n", from, now)
	return err
}
