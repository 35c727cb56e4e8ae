package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/gormlite"
	"github.com/pressly/goose/v3"
)

const (
	// sqliteBusy bounds the wait for another process that has locked the file.
	sqliteBusy = 5 * time.Second
	// sqliteTime is the format of stored times. It has a fixed length, so that times sort as text.
	sqliteTime = "2006-01-02T15:04:05.000000Z"
	// anyTime also reads the formats that SQLite itself and goose write.
	anyTime = "sqlite"
)

var errInMemory = errors.New("a SQLite database must be a file: one in memory would be lost with the process")

// sqlite returns the backend of the file at path. One connection writes: SQLite allows only one writer, and waiting in
// database/sql's queue costs less than retrying when the file is busy. Others read meanwhile, from the write-ahead log.
func sqlite(path string, log *slog.Logger) (*backend, error) {
	switch {
	case path == "":
		return nil, errUnknownDatabase
	case strings.HasPrefix(path, ":"):
		return nil, errInMemory
	}
	f := sqliteFile(path)
	return &backend{
		name:        "sqlite:" + path,
		dialect:     goose.DialectSQLite3,
		isolation:   sql.LevelSerializable, // BEGIN IMMEDIATE: takes the write lock even if reading first
		writers:     1,
		log:         log,
		open:        f.open,
		migrating:   f.migrating,
		beating:     f.beating,
		canWrite:    f.canWrite,
		exclusively: f.exclusively,
		begun:       f.begun,
		dialector:   gormlite.OpenDB,
	}, nil
}

// A sqliteFile is the path of a database.
type sqliteFile string

// open returns the readers first, so that they are closed first: the last connection to close removes the log, which
// only the writer may do.
func (f sqliteFile) open(ctx context.Context) ([]*preparedPool, error) {
	if _, err := os.Stat(string(f)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; registrar migrate creates it", err)
	}
	writer, err := f.pool(ctx, 1, sqliteTime, prepareWriter)
	if err != nil {
		return nil, err
	}
	// Readers block no one, so only the number of processors bounds them.
	reader, err := f.pool(ctx, min(max(runtime.GOMAXPROCS(0), 2), 8), sqliteTime, prepareReader)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	return []*preparedPool{newPreparedPool(reader), newPreparedPool(writer)}, nil
}

// migrating creates the file if it does not exist, readable by its owner only.
func (f sqliteFile) migrating(ctx context.Context) (*sql.DB, error) {
	file, err := os.OpenFile(string(f), os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		err = file.Close()
	case errors.Is(err, fs.ErrExist):
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return f.pool(ctx, 1, anyTime, prepareWriter)
}

func (f sqliteFile) beating() (*sql.DB, error) {
	db, err := driver.Open(f.uri(sqliteTime), func(c *sqlite3.Conn) error {
		if err := c.BusyTimeout(time.Minute); err != nil { // the contexts of beats are shorter
			return err
		}
		return c.Exec("PRAGMA synchronous = FULL")
	})
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// nearlyFull is the free space below which only a write can tell whether there is room for one, in bytes.
const nearlyFull = 64 << 20

// canWrite takes the lock of writers and gives it back, which writes nothing.
func (f sqliteFile) canWrite(ctx context.Context, db *sql.DB) error {
	if freeSpace(string(f)) < nearlyFull {
		return errWrite
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	_, err = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	return err
}

// exclusively runs f in one transaction, on the only connection of db. Other writers wait. If the process dies, nothing
// has changed.
func (sqliteFile) exclusively(ctx context.Context, db *sql.DB, f func(context.Context, *migrationLock) error) error {
	if _, err := db.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := f(ctx, nil); err != nil {
		_, rollback := db.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return errors.Join(err, rollback)
	}
	_, err := db.ExecContext(ctx, "COMMIT")
	return err
}

// begun returns no migration, since a transaction leaves none half done.
func (sqliteFile) begun(context.Context, *sql.DB) (step, error) { return step{}, nil }

func (f sqliteFile) pool(ctx context.Context, size int, timeFormat string, prepare func(*sqlite3.Conn) error) (*sql.DB,
	error) {
	// Create the index of the log here: SQLite would not give it the mode of the file.
	if shm, err := os.OpenFile(string(f)+"-shm", os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600); err == nil {
		shm.Close()
	}
	db, err := driver.Open(f.uri(timeFormat), prepare)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// uri returns the URI of the file, with a "?" or "%" in the path escaped.
func (f sqliteFile) uri(timeFormat string) string {
	path := filepath.ToSlash(string(f))
	if filepath.VolumeName(string(f)) != "" {
		path = "/" + path // file:/C:/…
	}
	// modeof makes SQLite create its other files, such as the log, with the mode of this one.
	query := url.Values{"mode": {"rw"}, "modeof": {string(f)}, "_timefmt": {timeFormat}}
	// SQLite does not decode a plus sign as a space.
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
}

func prepareWriter(c *sqlite3.Conn) error {
	if err := c.BusyTimeout(sqliteBusy); err != nil {
		return err
	}
	// Turning the log on takes a lock that another process may hold, and SQLite does not always wait for it.
	var err error
	for range 50 {
		if err = c.Exec("PRAGMA journal_mode = WAL"); !errors.Is(err, sqlite3.BUSY) && !errors.Is(err, sqlite3.LOCKED) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	return prepareConn(c, `
		PRAGMA synchronous = FULL; -- flush each commit to the disk
		PRAGMA foreign_keys = ON;
		PRAGMA journal_size_limit = 67108864`)
}

func prepareReader(c *sqlite3.Conn) error {
	if err := c.BusyTimeout(sqliteBusy); err != nil {
		return err
	}
	return prepareConn(c, "PRAGMA query_only = ON")
}

func prepareConn(c *sqlite3.Conn, pragmas string) error {
	if err := c.Exec(pragmas); err != nil {
		return err
	}
	// SQLite's own lower handles ASCII only.
	lower := func(ctx sqlite3.Context, arg ...sqlite3.Value) { ctx.ResultText(strings.ToLower(arg[0].Text())) }
	return c.CreateFunction("lower", 1, sqlite3.DETERMINISTIC|sqlite3.INNOCUOUS, lower)
}
