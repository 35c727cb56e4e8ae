package lists

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"registrar/bench/baresqlite"
	"registrar/bench/fill"
	"registrar/bench/process"
	"registrar/server/adminapi"
)

// A subject is registrar on a database.
type subject struct {
	name, url string // url is the value of --database

	db      *sql.DB
	process *process.Process
	api     *adminapi.API
}

// start has registrar create the tables, fills in clients, and starts it again.
func (s *subject) start(ctx context.Context, program, parent string, clients int, progress io.Writer) error {
	folder := filepath.Join(parent, s.name)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	o := process.Options{Program: program, Folder: folder, Database: s.url}
	p, err := process.Registrar(ctx, o)
	if err != nil {
		return err
	}
	if err := p.Stop(); err != nil {
		return err
	}
	if s.db, err = s.open(); err != nil {
		return err
	}
	if err := fill.Clients(ctx, s.db, fill.UUIDv7, 0, clients, progress); err != nil {
		return err
	}
	if s.process, err = process.Registrar(ctx, o); err != nil {
		return err
	}
	s.api = &adminapi.API{Base: s.process.AdminURL, Token: s.process.Token}
	return nil
}

// open opens the database for filling: without flushing each commit, since durability does not matter.
func (s *subject) open() (*sql.DB, error) {
	if path, ok := strings.CutPrefix(s.url, "sqlite:"); ok {
		db, err := baresqlite.Open(path)
		if err == nil {
			_, err = db.Exec("PRAGMA synchronous = OFF")
		}
		return db, err
	}
	db, err := sql.Open("mysql", strings.TrimPrefix(s.url, "mysql:"))
	if err != nil {
		return nil, err
	}
	_, err = db.Exec("SET GLOBAL innodb_flush_log_at_trx_commit = 2")
	return db, err
}

func (s *subject) close() (err error) {
	if s.process != nil {
		err = s.process.Stop()
	}
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
	}
	return err
}

// rowsRead returns how many rows and entries of indexes MariaDB has read so far; 0 for SQLite, which does not count.
func (s *subject) rowsRead(ctx context.Context) (n int, err error) {
	if strings.HasPrefix(s.url, "sqlite:") {
		return 0, nil
	}
	err = s.db.QueryRowContext(ctx, "SELECT CAST(SUM(VARIABLE_VALUE) AS SIGNED) FROM information_schema.GLOBAL_STATUS "+
		"WHERE VARIABLE_NAME IN ('HANDLER_READ_KEY', 'HANDLER_READ_NEXT', 'HANDLER_READ_PREV', 'HANDLER_READ_FIRST', "+
		"'HANDLER_READ_LAST')").Scan(&n)
	return n, err
}

// rowsBetween returns the number of clients after which a page begins and up to its next, "" for the ends of the list.
func (s *subject) rowsBetween(ctx context.Context, after, next string) (n int, err error) {
	from, err := strconv.ParseInt(cmp.Or(after, strconv.Itoa(math.MaxInt64)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the beginning of a page: %w", err)
	}
	to, err := strconv.ParseInt(cmp.Or(next, "0"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the next of a page: %w", err)
	}
	err = s.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM clients WHERE rowid < ? AND rowid >= ?", from, to).Scan(&n)
	return n, err
}
