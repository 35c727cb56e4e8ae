package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
)

// A backend is the database of a [Config], with what differs between the kinds of databases.
type backend struct {
	name      string // of the database, without its password
	dialect   goose.Dialect
	isolation sql.IsolationLevel // of transactions
	writers   int                // bounds the inserts that run at once
	log       *slog.Logger
	lost      *lostConns // of a MySQL server; nil for SQLite, where an error tells the outcome of a write

	// open returns a pool for reading and a pool for writing, or one pool for both. They must be closed in this order.
	open func(context.Context) ([]*preparedPool, error)
	// migrating returns a pool whose statements have no timeout. It creates a SQLite file that does not exist.
	migrating func(context.Context) (*sql.DB, error)
	// beating returns a pool of one connection for beats. It connects when it is first used.
	beating func() (*sql.DB, error)
	// canWrite is as in beats.
	canWrite func(context.Context, *sql.DB) error
	// exclusively runs f, which uses db, while no other process does so. The context of f ends if that is no longer so.
	// The lock is nil for SQLite.
	exclusively func(ctx context.Context, db *sql.DB, f func(context.Context, *migrationLock) error) error
	// begun returns the migration that was begun last and of whose end nothing is noted. It may run, have been
	// interrupted, or have ended; see step.continues.
	begun func(context.Context, *sql.DB) (step, error)
	// dialector returns gorm's dialect for pool.
	dialector func(pool gorm.ConnPool) gorm.Dialector
}

// errUnknownDatabase does not quote the configured value, which may hold a password anywhere if it is malformed.
var errUnknownDatabase = errors.New(
	"the database must be sqlite:FILE, such as sqlite:registrar.db, " +
		"or mysql:DSN, such as mysql:user:password@tcp(db:3306)/registrar")

func parse(cfg Config) (*backend, error) {
	log := cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	switch scheme, rest, _ := strings.Cut(cfg.Database, ":"); scheme {
	case "sqlite":
		if cfg.DatabaseCA != nil {
			return nil, errSQLiteCA
		}
		return sqlite(rest, log)
	case "mysql":
		return mysqlServer(rest, cfg, log)
	}
	return nil, errUnknownDatabase
}
