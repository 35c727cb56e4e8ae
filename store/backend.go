package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
)

// A backend is a database that a [Config] names, and how this one differs from others.
type backend struct {
	name      string // of the database, without its password
	dialect   goose.Dialect
	isolation sql.IsolationLevel // of transactions
	writers   int                // how many inserts may run at once
	log       *slog.Logger

	// open returns the pool for reading and the pool for writing, or one for both. They are closed in this order.
	open func(context.Context) ([]*statements, error)
	// migrating returns a pool whose statements may take as long as they like. A SQLite file is made if there is none.
	migrating func(context.Context) (*sql.DB, error)
	// alone runs f, which uses db, while no other process runs one.
	alone func(ctx context.Context, db *sql.DB, f func() error) error
	// dialector tells gorm how to speak to pool.
	dialector func(pool gorm.ConnPool) gorm.Dialector
}

// The URL may hold a password anywhere if it is malformed: what it says is never repeated.
var errUnknownDatabase = errors.New(
	"the database is named by sqlite:FILE, such as sqlite:registrar.db, or by mysql:DSN, such as mysql:user:password@tcp(db:3306)/registrar")

func parse(cfg Config) (*backend, error) {
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	switch scheme, rest, _ := strings.Cut(cfg.Database, ":"); scheme {
	case "sqlite":
		return sqlite(rest, log)
	case "mysql":
		return mysqlServer(rest, cfg.Connections, log)
	}
	return nil, errUnknownDatabase
}
