package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"
)

// newestMigration is the number of the last migration in the folders.
const newestMigration int64 = 5

// LatestVersion is the version of the schema that this program is written for: the number of the last migration that it
// applies. It is also the version that schema_requirements compares the program with. With the build tag
// previousschema, the same source is a program of the version before.
//
// A schema works with programs of its own version and of the version before, so that servers can be replaced one by
// one: the first new server migrates while old ones still run. See "The schema" in ARCHITECTURE.md.
const LatestVersion = newestMigration - omittedMigrations

// omittedVersions returns the migrations that this program does not apply, although they are in the folders.
func omittedVersions() (list []int64) {
	for v := LatestVersion + 1; v <= newestMigration; v++ {
		list = append(list, v)
	}
	return list
}

// ErrSchema reports that this program does not work with the schema of the database, because that is too early or too
// late. The error names both versions and what to do.
var ErrSchema = errors.New("the schema does not fit this program")

// CheckSchema returns an error that matches [ErrSchema] if this program no longer works with the schema, because
// another one has migrated it since [Open]. It uses the connection of [Store.Beat].
func (s *Store) CheckSchema(ctx context.Context) error {
	return classify(ctx, checkSchema(ctx, s.beats.dialect, s.beats.db))
}

// checkSchema returns an error if this program does not work with the schema. An earlier schema lacks columns. A later
// one has the version of the oldest program that it works with in schema_requirements.
func checkSchema(ctx context.Context, dialect goose.Dialect, db *sql.DB) error {
	at, err := schemaVersion(ctx, dialect, db)
	if err != nil {
		return err
	}
	if at < LatestVersion {
		return fmt.Errorf("%w: it has version %d, but this program needs %d: run registrar migrate",
			ErrSchema, at, LatestVersion)
	}
	var least int64
	if err := db.QueryRowContext(ctx, "SELECT MAX(least_program) FROM schema_requirements").Scan(&least); err != nil {
		return fmt.Errorf("reading the requirements of the schema: %w", err)
	}
	if least > LatestVersion {
		return fmt.Errorf("%w: it has version %d and works with programs of version %d or later, "+
			"but this program has version %d: run a registrar of at least that version",
			ErrSchema, at, least, LatestVersion)
	}
	return nil
}

// schemaVersion returns the version of the schema, 0 for an empty database.
func schemaVersion(ctx context.Context, dialect goose.Dialect, db *sql.DB) (int64, error) {
	if exists, err := versionTableExists(ctx, dialect, db); err != nil || !exists {
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
