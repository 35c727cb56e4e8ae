package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// migrations holds a folder for each dialect. The files of one version do the same in both.
//
//go:embed migrations
var migrations embed.FS

// A laterSchemaError reports that a schema has a later version than this program has migrations for.
type laterSchemaError struct{ at int64 }

func (e *laterSchemaError) Error() string {
	return fmt.Sprintf("the schema has version %d, but this program has migrations up to %d: "+
		"migrate with a later registrar", e.at, LatestVersion)
}

// Migrate migrates the schema up or down to the version to, at most [LatestVersion], and returns the versions before
// and after. Version 0 drops all tables, but not those in which migrations are noted. If several processes migrate at
// the same time, also at several nodes of a cluster, one does and the others wait, until ctx ends. In SQLite all
// migrations run in one transaction. MySQL has no transactions for tables: if a migration fails there, the ones before
// it stay, and now is the version reached. If a process dies while it migrates, another one takes over after 15 s and
// finishes the migration. Migrate fails if the schema has a later version than [LatestVersion]; the
// error names both.
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

// upgrade migrates the schema up to LatestVersion. It accepts a later one; see checkSchema.
func upgrade(ctx context.Context, b *backend) error {
	_, _, err := migrate(ctx, b, LatestVersion)
	if _, later := errors.AsType[*laterSchemaError](err); later {
		return nil
	}
	return err
}

func migrate(ctx context.Context, b *backend, to int64) (from, now int64, err error) {
	if to < 0 || to > LatestVersion {
		return 0, 0, fmt.Errorf("version %d not found: it must be from 0 to %d", to, LatestVersion)
	}
	db, err := b.migrating(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	// Most calls have nothing to do and need no lock.
	if from, err = knownVersion(ctx, b.dialect, db); err != nil {
		return from, from, err
	}
	if from == to {
		if s, err := b.begun(ctx, db); err != nil || !s.continues(from) {
			return from, from, err
		}
	}
	err = b.exclusively(ctx, db, func(ctx context.Context, lock *migrationLock) error {
		// Another process may have migrated meanwhile.
		if from, err = knownVersion(ctx, b.dialect, db); err != nil {
			return err
		}
		return run(ctx, b.dialect, db, lock, from, to)
	})
	now, look := schemaVersion(context.WithoutCancel(ctx), b.dialect, db)
	if err = errors.Join(err, look); err != nil {
		return from, now, err
	}
	if from != now {
		b.log.InfoContext(ctx, "migrated the database", "database", b.name, "from", from, "to", now)
	}
	return from, now, nil
}

// knownVersion returns the version of the schema, or a laterSchemaError.
func knownVersion(ctx context.Context, dialect goose.Dialect, db *sql.DB) (int64, error) {
	at, err := schemaVersion(ctx, dialect, db)
	if err == nil && at > LatestVersion {
		err = &laterSchemaError{at}
	}
	return at, err
}

// run applies the migrations between two versions, after finishing one that was interrupted. lock is nil for SQLite.
func run(ctx context.Context, dialect goose.Dialect, db *sql.DB, lock *migrationLock, at, to int64) error {
	begun := lock.begun()
	if at == to && !begun.continues(at) {
		return nil
	}
	if err := makeVersionTable(ctx, dialect, db); err != nil {
		return err
	}
	files, err := migrationFiles(dialect)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, db, files, goose.WithDisableGlobalRegistry(true),
		goose.WithExcludeVersions(omittedVersions()))
	if err != nil {
		return err
	}
	apply := func(s step) error {
		return lock.during(ctx, s, func(ctx context.Context) (err error) {
			if s.down {
				_, err = p.DownTo(ctx, s.after())
			} else {
				_, err = p.UpTo(ctx, s.after())
			}
			return err
		})
	}
	if begun.continues(at) {
		if err := apply(begun); err != nil {
			return err
		}
		at = begun.after()
	}
	for at != to {
		s := nextStep(at, to)
		if err := apply(s); err != nil {
			return err
		}
		at = s.after()
	}
	return nil
}

// makeVersionTable creates goose's table like goose, but without a transaction, because in SQLite one is running
// already.
func makeVersionTable(ctx context.Context, dialect goose.Dialect, db *sql.DB) error {
	s, err := database.NewStore(dialect, goose.DefaultTablename)
	if err != nil {
		return err
	}
	exists, err := versionTableExists(ctx, dialect, db)
	if err != nil {
		return err
	}
	if !exists {
		// A statement of a process that died may have created it in this moment.
		if err := s.CreateVersionTable(ctx, db); err != nil && number(err) != tableExists {
			return err
		}
	}
	// The table is empty if another process died at this point. goose does not accept that.
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
