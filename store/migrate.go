package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// Newest, as a version to migrate to, is the newest that this program knows.
const Newest int64 = -1

// migrations holds a folder for each dialect; the files of one version do the same in both.
//
//go:embed migrations
var migrations embed.FS

// Migrate brings the schema to version to, up or down, and returns the versions before and after. 0 takes every table
// away, and what is in it. Of several processes that migrate at once one works and the others wait. In SQLite all
// happens in one transaction; MySQL knows none for tables, so that a migration which fails there leaves the ones before
// it done, and now says how far it came.
func Migrate(ctx context.Context, cfg Config, to int64) (from, now int64, err error) {
	b, err := parse(cfg)
	if err != nil {
		return 0, 0, err
	}
	from, now, err = migrate(ctx, b, to)
	if err != nil {
		return from, now, fmt.Errorf("migrating %s: %w", b.name, classify(ctx, err))
	}
	return from, now, nil
}

func migrate(ctx context.Context, b *backend, to int64) (from, now int64, err error) {
	newest, err := newestVersion(b.dialect)
	if err != nil {
		return 0, 0, err
	}
	if to == Newest {
		to = newest
	}
	if to < 0 || to > newest {
		return 0, 0, fmt.Errorf("there is no version %d: they go from 0 to %d", to, newest)
	}
	db, err := b.migrating(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	// Most starts have nothing to do, and wait for nobody.
	if from, err = version(ctx, b.dialect, db); err != nil || from == to {
		return from, from, err
	}
	err = b.alone(ctx, db, func() error {
		if from, err = version(ctx, b.dialect, db); err != nil {
			return err
		}
		if from > newest {
			return versionError(from, newest)
		}
		return run(ctx, b.dialect, db, to)
	})
	now, look := version(context.WithoutCancel(ctx), b.dialect, db)
	if err = errors.Join(err, look); err != nil {
		return from, now, err
	}
	if from != now {
		b.log.InfoContext(ctx, "migrated the database", "database", b.name, "from", from, "to", now)
	}
	return from, now, nil
}

// run applies what leads to version to. Somebody else may have come before; then there is nothing to do.
func run(ctx context.Context, dialect goose.Dialect, db *sql.DB, to int64) error {
	if err := makeVersionTable(ctx, dialect, db); err != nil {
		return err
	}
	files, err := migrationFiles(dialect)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	at, err := version(ctx, dialect, db)
	switch {
	case err != nil:
		return err
	case to < at:
		_, err = p.DownTo(ctx, to)
	case to > at:
		_, err = p.UpTo(ctx, to)
	}
	return err
}

// checkVersion refuses a database whose schema is not the newest.
func checkVersion(ctx context.Context, b *backend, db *sql.DB) error {
	newest, err := newestVersion(b.dialect)
	if err != nil {
		return err
	}
	at, err := version(ctx, b.dialect, db)
	if err != nil || at == newest {
		return err
	}
	return versionError(at, newest)
}

func versionError(at, newest int64) error {
	fix := "run registrar migrate"
	if at > newest {
		fix = "run a newer registrar, or let that one migrate --to " + strconv.FormatInt(newest, 10)
	}
	return fmt.Errorf("the schema has version %d, but this program needs %d: %s", at, newest, fix)
}

// version returns the version of the schema, 0 where there is none.
func version(ctx context.Context, dialect goose.Dialect, db *sql.DB) (int64, error) {
	if there, err := versionTableExists(ctx, dialect, db); err != nil || !there {
		return 0, err
	}
	var v int64
	err := db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+goose.DefaultTablename).Scan(&v)
	return v, err
}

func versionTableExists(ctx context.Context, dialect goose.Dialect, db *sql.DB) (bool, error) {
	query := "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
	if dialect == goose.DialectMySQL {
		query = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?"
	}
	var n int
	err := db.QueryRowContext(ctx, query, goose.DefaultTablename).Scan(&n)
	return n > 0, err
}

// makeVersionTable does what goose would do, but without a transaction: in SQLite there is one already.
func makeVersionTable(ctx context.Context, dialect goose.Dialect, db *sql.DB) error {
	s, err := database.NewStore(dialect, goose.DefaultTablename)
	if err != nil {
		return err
	}
	there, err := versionTableExists(ctx, dialect, db)
	if err != nil {
		return err
	}
	if !there {
		if err := s.CreateVersionTable(ctx, db); err != nil {
			return err
		}
	}
	// A process that died here left the table empty, which goose does not take.
	var n int
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+goose.DefaultTablename).Scan(&n); err != nil || n > 0 {
		return err
	}
	return s.Insert(ctx, db, database.InsertRequest{Version: 0})
}

func migrationFiles(dialect goose.Dialect) (fs.FS, error) {
	folder := "sqlite"
	if dialect == goose.DialectMySQL {
		folder = "mysql"
	}
	return fs.Sub(migrations, path.Join("migrations", folder))
}

func newestVersion(dialect goose.Dialect) (int64, error) {
	files, err := migrationFiles(dialect)
	if err != nil {
		return 0, err
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return 0, err
	}
	var newest int64
	for _, name := range names {
		v, err := goose.NumericComponent(name)
		if err != nil {
			return 0, err
		}
		newest = max(newest, v)
	}
	return newest, nil
}
