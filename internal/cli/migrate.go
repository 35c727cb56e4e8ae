package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"registrar/store"
)

// migrateCommand migrates the database's schema.
type migrateCommand struct {
	databaseFlags
	logFlags
	To  *int64 `placeholder:"N" help:"${migrate_to}"`
	Yes bool   `help:"Go down without asking. Needed where standard input is not a terminal."`
}

// Run migrates.
func (c *migrateCommand) Run(ctx context.Context, to *console) error {
	authorities, err := c.authorities()
	if err != nil {
		return usageError{err}
	}
	config := store.Config{Database: c.Database, DatabaseCA: authorities, Logger: slog.New(c.handler(to.err))}
	from, now, err := c.migrate(ctx, config, to)
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

// migrate migrates, after a confirmation where that loses something.
func (c *migrateCommand) migrate(ctx context.Context, config store.Config, to *console) (from, now int64, err error) {
	if c.To == nil {
		return store.Migrate(ctx, config, store.LatestVersion)
	}
	if *c.To < 0 {
		return 0, 0, usageError{fmt.Errorf("--to %d: must be 0 or more", *c.To)}
	}
	loss, err := store.LossOf(ctx, config, *c.To)
	if err != nil {
		return 0, 0, err
	}
	if loss.To < loss.From {
		if err := c.confirm(ctx, loss, to); err != nil {
			return 0, 0, err
		}
	}
	return store.MigrateConfirmed(ctx, config, loss)
}

// confirm prints what is lost, and returns nil if the operator agrees.
func (c *migrateCommand) confirm(ctx context.Context, loss *store.Loss, to *console) error {
	p := &textWriter{}
	describeLoss(p, loss)
	if _, err := to.err.Write(p.buffer.Bytes()); err != nil {
		return err
	}
	switch {
	case c.Yes:
		return nil
	case !to.asks:
		return usageError{fmt.Errorf("--to %d goes down from version %d and loses what is listed: "+
			"nothing was changed; add --yes to do it", loss.To, loss.From)}
	}
	agreed, err := to.ask(ctx, "Continue?")
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	if !agreed {
		return errors.New("nothing was changed")
	}
	return nil
}

// describeLoss writes what is lost, row by row counted, and which servers still run.
func describeLoss(p *textWriter, loss *store.Loss) {
	p.line("registrar: migrating %s from version %d down to %d loses at least", loss.Database, loss.From, loss.To)
	var rows [][]string
	for _, part := range loss.Parts {
		rows = append(rows, []string{"  " + part.Name(), countOf(part)})
	}
	if len(rows) == 0 {
		p.line("  nothing")
	}
	p.table(rows)
	if len(loss.Live) == 0 {
		return
	}
	p.line("These servers run on the database. Those that need version %d will not be ready afterwards:", loss.From)
	rows = [][]string{{"  ADDRESS", "VERSION", "ID"}}
	for _, r := range loss.Live {
		rows = append(rows, []string{"  " + r.Address, r.Version, r.ID})
	}
	p.table(rows)
}

// countOf returns how many rows a part has: 1 row, 12 rows with a value.
func countOf(part store.LostPart) string {
	text := fmt.Sprintf("%d rows", part.Rows)
	if part.Rows == 1 {
		text = "1 row"
	}
	switch {
	case part.Changed:
		text += " changed"
	case part.Column != "":
		text += " with a value"
	}
	return text
}
