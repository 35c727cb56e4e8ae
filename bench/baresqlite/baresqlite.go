// Package baresqlite inserts clients into a registrar SQLite database as fast as the driver can durably, without HTTP
// and the engine.
package baresqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
)

// Config configures a run.
type Config struct {
	File     string        // a registrar database without clients
	Template string        // another database, with a client whose row is inserted with new IDs
	Callers  int           // concurrent callers, each with one row
	Duration time.Duration // without the warm-up, which is a third of it, at most a second
}

// A Result is the result of a run.
type Result struct {
	Rows    int     // without those of the warm-up
	Seconds float64 // without the warm-up
	All     int     // rows, with those of the warm-up
}

// Run inserts rows for c.Duration. Each caller inserts one row at a time; rows that arrive while a statement runs share
// the next one. There is one connection, since SQLite allows one writer, with registrar's settings: a write-ahead log
// that is flushed at each commit.
func Run(ctx context.Context, c Config) (Result, error) {
	template, err := read(ctx, c.Template)
	if err != nil {
		return Result{}, fmt.Errorf("reading a client of %s: %w", c.Template, err)
	}
	db, err := Open(c.File)
	if err != nil {
		return Result{}, err
	}
	defer db.Close()
	in := &inserter{db: db, template: template, queue: make(chan *pending, c.Callers),
		statements: make([]*sql.Stmt, c.Callers+1)}
	var callers, writer sync.WaitGroup
	writer.Go(in.run)
	for range c.Callers {
		callers.Go(func() { in.call(ctx) })
	}
	time.Sleep(min(c.Duration/3, time.Second))
	r := in.count(ctx, c.Duration)
	in.stop.Store(true)
	callers.Wait()
	close(in.queue)
	writer.Wait()
	r.All = int(in.inserted.Load())
	if err := in.failure.Load(); err != nil {
		return Result{}, *err
	}
	return r, ctx.Err()
}

// call inserts rows, one after the other, until in.stop is set.
func (in *inserter) call(ctx context.Context) {
	for !in.stop.Load() && ctx.Err() == nil {
		p := &pending{values: in.row(), done: make(chan error, 1)}
		in.queue <- p
		if err := <-p.done; err != nil {
			in.failure.CompareAndSwap(nil, &err)
			return
		}
		in.inserted.Add(1)
	}
}

// count counts the rows inserted in d, or until the first one if that takes longer.
func (in *inserter) count(ctx context.Context, d time.Duration) Result {
	before, start := in.inserted.Load(), time.Now()
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	for in.inserted.Load() == before && in.failure.Load() == nil && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	return Result{Rows: int(in.inserted.Load() - before), Seconds: time.Since(start).Seconds()}
}

// Open opens a database with one connection, as registrar's store opens the one that writes. The file must exist.
func Open(file string) (*sql.DB, error) {
	absolute, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	uri := "file:" + (&url.URL{Path: absolute}).EscapedPath() + "?mode=rw&_timefmt=2006-01-02T15:04:05.000000Z"
	db, err := driver.Open(uri, func(c *sqlite3.Conn) error {
		if err := c.BusyTimeout(time.Minute); err != nil {
			return err
		}
		return c.Exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA " +
			"journal_size_limit = 67108864")
	})
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// A row is a client, by column.
type row struct {
	columns []string
	values  []any
}

// read returns one client of a database.
func read(ctx context.Context, file string) (r row, err error) {
	db, err := Open(file)
	if err != nil {
		return r, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT * FROM clients LIMIT 1")
	if err != nil {
		return r, err
	}
	defer rows.Close()
	if r.columns, err = rows.Columns(); err != nil {
		return r, err
	}
	if !rows.Next() {
		return r, errors.Join(rows.Err(), errors.New("no client"))
	}
	r.values = make([]any, len(r.columns))
	into := make([]any, len(r.columns))
	for i := range into {
		into[i] = &r.values[i]
	}
	return r, rows.Scan(into...)
}

// A pending row waits to be written.
type pending struct {
	values []any
	done   chan error // of one element
}

// An inserter owns the connection that writes.
type inserter struct {
	db         *sql.DB
	template   row
	queue      chan *pending
	statements []*sql.Stmt // by the number of rows
	sequence   atomic.Int64
	stop       atomic.Bool
	inserted   atomic.Int64
	failure    atomic.Pointer[error] // the first
}

// row returns the template with new unique values.
func (in *inserter) row() []any {
	values := make([]any, len(in.template.values))
	copy(values, in.template.values)
	for i, column := range in.template.columns {
		switch column {
		case "client_id":
			values[i] = uuid.Must(uuid.NewV7()).String()
		case "registration", "token_hash":
			values[i] = fresh(values[i])
		case "sequence":
			values[i] = in.sequence.Add(1)
		}
	}
	return values
}

// fresh returns random bytes of the same length as value.
func fresh(value any) any {
	old, ok := value.([]byte)
	if !ok {
		return value
	}
	b := make([]byte, len(old))
	rand.Read(b)
	return b
}

// run writes until the queue is closed.
func (in *inserter) run() {
	for first := range in.queue {
		batch := []*pending{first}
		for range len(in.queue) {
			batch = append(batch, <-in.queue)
		}
		err := in.write(batch)
		for _, p := range batch {
			p.done <- err
		}
	}
}

func (in *inserter) write(batch []*pending) error {
	stmt := &in.statements[len(batch)]
	if *stmt == nil {
		row := "(" + strings.Repeat(", ?", len(in.template.columns))[2:] + ")"
		prepared, err := in.db.Prepare("INSERT INTO clients (" + strings.Join(in.template.columns, ", ") + ") VALUES " +
			strings.Repeat(", "+row, len(batch))[2:])
		if err != nil {
			return fmt.Errorf("preparing %d rows: %w", len(batch), err)
		}
		*stmt = prepared
	}
	args := make([]any, 0, len(batch)*len(in.template.columns))
	for _, p := range batch {
		args = append(args, p.values...)
	}
	_, err := (*stmt).Exec(args...)
	return err
}
