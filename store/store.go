// Package store keeps clients, modules, deployments and tokens in a SQLite file, or in MySQL or MariaDB. Package
// storetest holds the contract that all of them pass. [Open] opens a database and, if asked, migrates its schema. A
// registration is one row of an INSERT; [Store.AddClient] returns when it is durable. Only this package imports gorm:
// row types and their tags stay inside, and callers use the types of [registrar/engine] and [registrar/scripts].
//
// Errors match [engine.ErrNotFound] if a client or token does not exist, [scripts.ErrNotFound] if a module or
// deployment does not exist, [engine.ErrExists] if a client ID is taken, and [engine.ErrUnavailable] if the database is
// unreachable or overloaded. Errors and log lines never hold a password, a secret or a token.
package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"registrar/internal/guard"
	"registrar/scripts"
	"registrar/store/groupcommit"
)

// A Config configures a Store.
type Config struct {
	// Database is "sqlite:" and the path of a file, or "mysql:" and a DSN of github.com/go-sql-driver/mysql, such as
	// mysql:user:password@tcp(db:3306)/registrar. A MySQL database must exist; migrating creates a SQLite file.
	Database string
	// DatabaseCA are the authorities of which one must have issued the certificate of a MySQL server, for the host name
	// of its address: every connection then uses TLS. nil means that the DSN says whether connections do. A SQLite file
	// has no server, and Open fails with it.
	DatabaseCA *x509.CertPool
	// Migrate lets Open migrate an earlier schema to LatestVersion. Without it, Open fails for an earlier schema.
	Migrate bool
	// Connections bounds the connections to a MySQL server; 0 means 32. SQLite ignores it and uses one connection for
	// writing and a few for reading.
	Connections int
	// MaxModules is how many modules are stored at most; 0 means 500.
	MaxModules int
	// MaxModulesSize is how large all modules together are at most, in bytes; 0 means 1 GiB.
	MaxModulesSize int64
	// MaxDocuments is how many metadata documents are stored at most, besides those that are pinned or disabled; 0 means
	// DefaultMaxDocuments. The longest unused ones are deleted for others.
	MaxDocuments int
	// Logger gets warnings, and messages of the driver; nil means that they are dropped.
	Logger *slog.Logger
	// Random is the source of the random ID under which this process writes; nil means crypto/rand.
	Random io.Reader
	// Guard catches panics; nil means one that counts nothing.
	Guard *guard.Guard
	// Observer is notified of statements and batches; nil means none.
	Observer Observer

	lease time.Duration // of the lock of migrations in MySQL; 0 means migrationLease
}

// A Store is an open database. It is safe for concurrent use.
type Store struct {
	name      string
	pools     []*preparedPool // as backend.open returned them
	writer    *gorm.DB
	reader    *gorm.DB
	isolation sql.IsolationLevel

	observer    Observer                           // nil means none
	batches     *groupcommit.Committer[*clientRow] // see addRow
	batchInsert *batchInsert
	doubts      *doubts
	beats       *beats
	writeSlots  chan struct{} // holds one element for each running insertion; see insert
	modules     moduleBounds
	documents   *documentRoom
	deployed    *lru.Cache[int64, []scripts.Script] // by deployment number
	lastActs    atomic.Pointer[writtenActs]
	writerID    uuid.UUID
	sequence    atomic.Int64 // of the last row that this process wrote
}

// Open opens the database, after migrating it if cfg.Migrate is set. It accepts a schema later than [LatestVersion] if
// that schema works with this program. For any other schema, the error matches [ErrSchema].
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
	deployed, err := lru.New[int64, []scripts.Script](deploymentsKept)
	if err != nil {
		return nil, err
	}
	beating, err := b.beating()
	if err != nil {
		return nil, err
	}
	pools, err := b.open(ctx)
	if err != nil {
		return nil, errors.Join(err, beating.Close())
	}
	s := &Store{
		name:       b.name,
		pools:      pools,
		isolation:  b.isolation,
		writeSlots: make(chan struct{}, b.writers),
		writerID:   writer,
		observer:   cfg.Observer,
		deployed:   deployed,
		beats: &beats{db: beating, dialect: b.dialect, statements: replicaStatements[b.dialect], opened: time.Now(),
			canWrite: b.canWrite},
		documents: newDocumentRoom(cfg.MaxDocuments),
		modules:   moduleBounds{cmp.Or(cfg.MaxModules, 500), cmp.Or(cfg.MaxModulesSize, 1<<30)},
	}
	s.doubts = newDoubts(s, b, cfg.Guard)
	s.batches = s.newBatches(b, cfg.Guard)
	if err = checkSchema(ctx, b.dialect, pools[0].DB); err == nil {
		s.reader, err = openGORM(b, pools[0])
	}
	if err == nil {
		s.writer, err = openGORM(b, pools[len(pools)-1])
	}
	if err == nil {
		err = s.observeStatements()
	}
	s.batchInsert = &batchInsert{observer: s.observer}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func openGORM(b *backend, pool *preparedPool) (*gorm.DB, error) {
	return gorm.Open(b.dialector(pool), &gorm.Config{
		SkipDefaultTransaction: true,
		PrepareStmt:            false, // see preparedPool
		TranslateError:         true,
		DisableAutomaticPing:   true,
		QueryFields:            true,           // not *, since a later program may add columns to the tables
		Logger:                 logger.Discard, // its lines hold values of rows
	})
}

// Close closes the database. Running calls fail. Clients that are in doubt stay as they are.
func (s *Store) Close() error {
	s.doubts.close()
	errs := []error{s.beats.db.Close()} // before the pools, the last of which removes SQLite's log
	for _, p := range s.pools {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// Name returns Config.Database without the password, for messages.
func (s *Store) Name() string { return s.name }

// Ping returns an error unless the database answers a query on a table of the schema.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := s.CurrentDeploymentNumber(ctx); err != nil {
		return fmt.Errorf("reaching %s: %w", s.name, err)
	}
	return nil
}
