package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"registrar/internal/app"
	"registrar/internal/token"
	"registrar/store"
)

// writeTimeout bounds the check whether the database takes writes.
const writeTimeout = 5 * time.Second

// database looks at the database, and completes what would run.
func (c *checkCommand) database(ctx context.Context, r *checkReport, config app.Config) {
	named := store.Config{Database: c.Database, DatabaseCA: config.DatabaseCA}
	var err error
	if r.Runs.Database, err = store.DatabaseName(named); err != nil {
		r.Runs.Database = "not known" // what is configured may hold a password
		r.fail(codeDatabase, "--database", err)
		return
	}
	if path, ok := strings.CutPrefix(c.Database, "sqlite:"); ok && c.file(r, path) {
		return
	}
	at, err := store.SchemaVersion(ctx, named)
	if err != nil {
		r.fail(codeDatabase, "--database", err)
		return
	}
	r.Runs.Schema = &at
	if at < store.LatestVersion {
		c.outdated(r, at)
		return
	}
	config.Migrate, config.StartupTimeout = false, 0
	a, err := app.New(ctx, config)
	if err != nil {
		r.fail(codeDatabase, "--database", err)
		return
	}
	defer a.Close(ctx)
	c.inspect(ctx, r, a)
}

// file looks at a SQLite file. It returns true if there is nothing more to look at: the file is absent or empty, or
// cannot be used.
func (c *checkCommand) file(r *checkReport, path string) (done bool) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.NoMigrate:
		r.fail(codeDatabase, "--database",
			fmt.Errorf("--database %s: the file does not exist: registrar migrate creates it",
				c.Database))
		return true
	case errors.Is(err, fs.ErrNotExist):
		if err := writable(filepath.Dir(path)); err != nil {
			r.fail(codeDatabase, "--database", fmt.Errorf("--database %s: the file cannot be created: %w", c.Database,
				err))
			return true
		}
		r.add(severityNote, codeDatabase, "--database", "--database %s: serve creates the file", c.Database)
		c.empty(r)
		return true
	case err != nil:
		r.fail(codeDatabase, "--database", fmt.Errorf("--database: %w", err))
		return true
	case !info.Mode().IsRegular():
		r.fail(codeDatabase, "--database", fmt.Errorf("--database %s: it is not a file", c.Database))
		return true
	}
	// SQLite opens a file that it may not write for reading.
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		err = errors.Join(file.Close(), writable(filepath.Dir(path))) // the write-ahead log is beside the file
	}
	if err != nil {
		r.fail(codeDatabase, "--database", fmt.Errorf("--database %s: it cannot be written: %w", c.Database, err))
		return true
	}
	if info.Size() == 0 {
		r.Runs.Schema = new(int64)
		c.outdated(r, 0)
		return true
	}
	return false
}

// writable returns an error if no file can be created in a folder.
func writable(folder string) error {
	file, err := os.CreateTemp(folder, ".registrar.check-*")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// outdated adds what becomes of a schema that is older than this program.
func (c *checkCommand) outdated(r *checkReport, at int64) {
	if c.NoMigrate {
		r.fail(codeSchema, "--no-migrate",
			fmt.Errorf("the schema has version %d, but this program needs %d: run registrar "+
				"migrate, or leave out --no-migrate", at, store.LatestVersion))
		return
	}
	if at == 0 {
		r.add(severityNote, codeSchema, "--database", "the database is empty: serve creates the schema")
		c.empty(r)
		return
	}
	r.add(severityNote, codeSchema, "--database", "the schema has version %d: serve migrates it to %d, and loads the "+
		"deployment in force after that", at, store.LatestVersion)
}

// empty sets what would run on a database without rows.
func (c *checkCommand) empty(r *checkReport) {
	r.Runs.Deployment = new(string(app.NoDeployment))
	c.tokenToCome(r)
}

// tokenToCome says where serve writes the first admin token, unless one is configured.
func (c *checkCommand) tokenToCome(r *checkReport) {
	if r.OpenTo.AdminToken != nil {
		return
	}
	folder := tokenFolder(c.Database)
	path := filepath.Join(folder, token.AdminFile)
	if _, err := os.Lstat(path); err == nil {
		r.fail(codeAdminToken, "--admin-token-file",
			fmt.Errorf("%s exists, but the database has no admin token: move it away "+
				"to create a new one, or use the token in it with --admin-token-file %s", path, path))
		return
	}
	if err := writable(folder); err != nil {
		r.fail(codeAdminToken, "--admin-token-file",
			fmt.Errorf("there is no admin token, and serve cannot write one to %s: "+
				"set %s or --admin-token-file: %w", path, token.AdminVariable, err))
		return
	}
	r.OpenTo.AdminToken = new("none; serve creates one and writes it to " + path)
	r.add(severityNote, codeAdminToken, "--admin-token-file",
		"there is no admin token: serve creates one and writes it to %s",
		path)
}

// inspect looks at a database with the newest schema.
func (c *checkCommand) inspect(ctx context.Context, r *checkReport, a *app.App) {
	bounded, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if err := a.Store.TryWrite(bounded); err != nil {
		r.fail(codeDatabase, "--database", fmt.Errorf("no client could register: %w", err))
	}
	if spare, err := a.FirstTokenIsSpare(ctx); err == nil && spare {
		r.add(severityWarning, codeAdminToken, "--admin-token-file", "%s", token.SpareNote)
	}
	if r.OpenTo.AdminToken == nil {
		switch stored, err := token.Stored(ctx, a.Store, tokenFolder(c.Database)); {
		case err != nil:
			r.fail(codeAdminToken, "--admin-token-file", err)
		case len(stored) == 0:
			c.tokenToCome(r)
		default:
			r.OpenTo.AdminToken = new("in the database")
		}
	}
	if err := a.Scripts.Load(ctx); err != nil {
		r.fail(codeDeployment, "", fmt.Errorf("no client could register: %w", err))
		return
	}
	r.Runs.Deployment = new(a.Deployment(ctx))
}
