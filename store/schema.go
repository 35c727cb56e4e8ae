package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"
)

// LatestVersion is the version of the schema that this program is written for: the number of its last migration. It is
// also the version that schema_requirements compares the program with.
//
// A schema works with programs of its own version and of the version before, so that servers can be replaced one by
// one: the first new server migrates while old ones still run. See "The schema" in ARCHITECTURE.md.
const LatestVersion int64 = 3

// checkSchema returns an error if this program does not work with the schema. An earlier schema lacks columns. A later
// one has the version of the oldest program that it works with in schema_requirements.
func checkSchema(ctx context.Context, b *backend, db *sql.DB) error {
	at, err := schemaVersion(ctx, b.dialect, db)
	if err != nil {
		return err
	}
	if at < LatestVersion {
		return fmt.Errorf("the schema has version %d, but this program needs %d: run registrar migrate",
			at, LatestVersion)
	}
	var least int64
	if err := db.QueryRowContext(ctx, "SELECT MAX(least_program) FROM schema_requirements").Scan(&least); err != nil {
		return fmt.Errorf("reading the requirements of the schema: %w", err)
	}
	if least > LatestVersion {
		return fmt.Errorf("the schema has version %d and works with programs of version %d or later, "+
			"but this program has version %d: run a registrar of at least that version", at, least, LatestVersion)
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
