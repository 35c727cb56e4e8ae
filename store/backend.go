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

// A backend is the database that a [Config] names, and how its kind differs from others.
type backend struct {
	name      string // of the database, without its password
	dialect   goose.Dialect
	isolation sql.IsolationLevel // of transactions
	writers   int                // bounds the inserts that run at once
	log       *slog.Logger

	// open returns the pool that reads and the pool that writes, or one that does both. They are closed in this order.
	open func(context.Context) ([]*preparedPool, error)
	// migrating returns a pool whose statements may take as long as they like. A SQLite file is made if there is none.
	migrating func(context.Context) (*sql.DB, error)
	// exclusively runs f, which uses db, while no other process runs one.
	exclusively func(ctx context.Context, db *sql.DB, f func() error) error
	// dialector tells gorm how to speak to pool.
	dialector func(pool gorm.ConnPool) gorm.Dialector
}

// errUnknownDatabase never repeats what was configured: if it is malformed, it may hold a password anywhere.
var errUnknownDatabase = errors.New(
	"the database is named by sqlite:FILE, such as sqlite:registrar.db, " +
		"or by mysql:DSN, such as mysql:user:password@tcp(db:3306)/registrar")

func parse(cfg Config) (*backend, error) {
	log := cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	switch scheme, rest, _ := strings.Cut(cfg.Database, ":"); scheme {
	case "sqlite":
		return sqlite(rest, log)
	case "mysql":
		return mysqlServer(rest, cfg.Connections, log)
	}
	return nil, errUnknownDatabase
}
