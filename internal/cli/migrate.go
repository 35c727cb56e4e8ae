package cli

import (
	"context"
	"fmt"
	"log/slog"

	"registrar/store"
)

// migrateCommand changes the schema of the database.
type migrateCommand struct {
	databaseFlags
	logFlags
	To *int64 `placeholder:"N" help:"Version to go to, up or down; the newest unless given. 0 takes every table away, and what is in it."`
}

// Run migrates.
func (c *migrateCommand) Run(ctx context.Context, to *console) error {
	version := store.LatestVersion
	if c.To != nil {
		if version = *c.To; version < 0 {
			return usageError{fmt.Errorf("--to %d: versions go from 0", version)}
		}
	}
	from, now, err := store.Migrate(ctx, store.Config{Database: c.Database, Logger: slog.New(c.handler(to.err))}, version)
	if err != nil {
		return err
	}
	if from == now {
		_, err = fmt.Fprintf(to.out, "the schema has version %d already\n", now)
		return err
	}
	_, err = fmt.Fprintf(to.out, "migrated the schema from version %d to %d\n", from, now)
	return err
}
