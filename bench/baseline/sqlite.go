package baseline

import (
	"context"
	"errors"
	"io"
	"net/url"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
)

// MultiRowSQLite is like [MultiRowSQL] on a new SQLite file, with one writer, since SQLite allows only one. The log is
// flushed at each commit.
func MultiRowSQLite(ctx context.Context, file string, log io.Writer) error {
	absolute, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	pool, err := driver.Open("file:"+(&url.URL{Path: absolute}).EscapedPath(), func(c *sqlite3.Conn) error {
		return c.Exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864")
	})
	if err != nil {
		return err
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	if _, err := pool.ExecContext(ctx, table); err != nil {
		return err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	err = gathering(ctx, []func([]*pending) error{(&writer{conn: conn}).write}, log)
	return errors.Join(err, conn.Close())
}

// table is the table that GORM creates in MariaDB.
const table = `CREATE TABLE clients (
	client_id TEXT PRIMARY KEY, issued_at TEXT NOT NULL, secret_hash BLOB NOT NULL, secret_expires_at TEXT,
	client_name TEXT NOT NULL,
	token_endpoint_auth_method TEXT NOT NULL, scope TEXT NOT NULL, software_id TEXT NOT NULL,
	software_version TEXT NOT NULL,
	metadata TEXT NOT NULL, remote_address TEXT NOT NULL, version INTEGER NOT NULL)`

// Nowhere serves without storing anything. It measures the cost of HTTP and of the metadata.
func Nowhere(ctx context.Context, log io.Writer) error {
	return serve(ctx, func(context.Context, *client) error { return nil }, log)
}
