// Package store keeps clients, modules, deployments and tokens, in a SQLite file or in MySQL or MariaDB. One contract
// holds for all of them (package storetest). [Open] brings the schema up to date; after that a registration is one row
// of an INSERT, and [Store.AddClient] returns when it is durable. Only this package imports gorm: rows and their tags
// stay inside, and callers pass and get the types of [registrar/engine] and [registrar/scripts].
//
// The error for a client or token that does not exist matches [engine.ErrNotFound], that for a module or deployment
// [scripts.ErrNotFound], that for a client ID that is taken [engine.ErrExists], and that for a database that is away or
// saturated [engine.ErrUnavailable]. No error and no log line holds a password, a secret or a token.
package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/hashicorp/golang-lru/v2"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"registrar/scripts"
	"registrar/store/groupcommit"
)

// A Config says which database to use and how.
type Config struct {
	// Database is "sqlite:" and the path of a file, or "mysql:" and a DSN of github.com/go-sql-driver/mysql, such as
	// mysql:user:password@tcp(db:3306)/registrar. A MySQL database has to exist; a SQLite file is made by migrating.
	Database string
	// Migrate brings an earlier schema to LatestVersion. Without it, Open refuses an earlier one.
	Migrate bool
	// Connections bounds the connections to a MySQL server; 0 means 32. SQLite ignores it: there, one connection writes
	// and a few read.
	Connections int
	// MaxModules is how many modules are stored at most; 0 means 500.
	MaxModules int
	// MaxModulesSize is how large all modules together are at most, in bytes; 0 means 1 GiB.
	MaxModulesSize int64
	// Logger gets warnings, and the driver's complaints; nil means that they are dropped.
	Logger *slog.Logger
	// Random is the source of the ID under which this process writes; nil means crypto/rand.
	Random io.Reader
}

// A Store is an open database. Its methods may be called from any goroutine.
type Store struct {
	name      string
	pools     []*preparedPool // as backend.open returned them
	writer    *gorm.DB
	reader    *gorm.DB
	isolation sql.IsolationLevel

	batches     *groupcommit.Committer[*clientRow] // see addRow
	batchInsert *batchInsert
	writeSlots  chan struct{} // holds one element for each insertion under way; see insert
	modules     moduleBounds
	deployed    *lru.Cache[int64, []scripts.Script] // by the number of the deployment
	lastActs    atomic.Pointer[writtenActs]
	writerID    uuid.UUID
	sequence    atomic.Int64 // the last number given to a client that this process wrote
}

// Open opens the database, migrating it first if cfg says so. It takes a later schema than LatestVersion where that
// says that it works with this program. The error for a schema that it does not take names both versions and says what
// to do.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	b, err := parse(cfg)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, b, cfg)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", b.name, classify(ctx, err))
	}
	return s, nil
}

func open(ctx context.Context, b *backend, cfg Config) (*Store, error) {
	if cfg.Migrate {
		if err := upgrade(ctx, b); err != nil {
			return nil, err
		}
	}
	writer, err := uuid.NewRandomFromReader(cmp.Or(cfg.Random, rand.Reader))
	if err != nil {
		return nil, err
	}
	pools, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	deployed, err := lru.New[int64, []scripts.Script](deploymentsKept)
	if err != nil {
		return nil, err
	}
	s := &Store{
		name:       b.name,
		pools:      pools,
		isolation:  b.isolation,
		writeSlots: make(chan struct{}, b.writers),
		writerID:   writer,
		deployed:   deployed,
		modules:    moduleBounds{cmp.Or(cfg.MaxModules, 500), cmp.Or(cfg.MaxModulesSize, 1<<30)},
	}
	s.batches = s.newBatches(b.writers)
	if err = checkSchema(ctx, b, pools[0].DB); err == nil {
		s.reader, err = openGORM(b, pools[0])
	}
	if err == nil {
		s.writer, err = openGORM(b, pools[len(pools)-1])
	}
	if err == nil {
		s.batchInsert, err = newBatchInsert(s.writer)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func openGORM(b *backend, pool *preparedPool) (*gorm.DB, error) {
	return gorm.Open(b.dialector(pool), &gorm.Config{
		SkipDefaultTransaction: true,
		PrepareStmt:            false, // pool prepares
		TranslateError:         true,
		DisableAutomaticPing:   true,
		Logger:                 logger.Discard, // errors are returned; its lines hold values
	})
}

// Close closes the database. Calls that are under way fail.
func (s *Store) Close() error {
	var errs []error
	for _, p := range s.pools {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// Name returns the Database of the Config without its password, for messages.
func (s *Store) Name() string { return s.name }

// Ping reports whether the database answers a query on one of our tables.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := s.CurrentDeploymentNumber(ctx); err != nil {
		return fmt.Errorf("reaching %s: %w", s.name, err)
	}
	return nil
}
