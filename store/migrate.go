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

// migrations holds a folder for each dialect; the files of one version do the same in both.
//
//go:embed migrations
var migrations embed.FS

// A laterSchemaError reports that a schema has a version of which this program has no migrations.
type laterSchemaError struct{ at int64 }

func (e *laterSchemaError) Error() string {
	return fmt.Sprintf("the schema has version %d, but this program has migrations up to %d: migrate with a later registrar",
		e.at, LatestVersion)
}

// Migrate brings the schema to version to, up or down, and returns the versions before and after. 0 drops every table,
// and what is in it. Of several processes that migrate at once one works and the others wait. In SQLite all happens in
// one transaction. MySQL has none for tables: there, a migration that fails leaves the ones before it done, and now
// says how far it came. The error for a schema of a version that this program does not know names both versions.
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

// upgrade brings the schema to LatestVersion, and leaves a later one as it is; see checkSchema.
func upgrade(ctx context.Context, b *backend) error {
	_, _, err := migrate(ctx, b, LatestVersion)
	if _, later := errors.AsType[*laterSchemaError](err); later {
		return nil
	}
	return err
}

func migrate(ctx context.Context, b *backend, to int64) (from, now int64, err error) {
	if to < 0 || to > LatestVersion {
		return 0, 0, fmt.Errorf("there is no version %d: they go from 0 to %d", to, LatestVersion)
	}
	db, err := b.migrating(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	// Most starts have nothing to do, and take no lock.
	if from, err = knownVersion(ctx, b.dialect, db); err != nil || from == to {
		return from, from, err
	}
	err = b.exclusively(ctx, db, func() error {
		// Another process may have migrated meanwhile.
		if from, err = knownVersion(ctx, b.dialect, db); err != nil || from == to {
			return err
		}
		return run(ctx, b.dialect, db, from, to)
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

// run applies the migrations between two versions.
func run(ctx context.Context, dialect goose.Dialect, db *sql.DB, from, to int64) error {
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
	if to < from {
		_, err = p.DownTo(ctx, to)
	} else {
		_, err = p.UpTo(ctx, to)
	}
	return err
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
