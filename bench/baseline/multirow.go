package baseline

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
	"sync"
)

const (
	writers = 4  // each with one connection
	maxRows = 64 // per statement
)

// MultiRow serves like [SingleRow], with GORM, but batches concurrent inserts into statements of 1, 2, 4 … 64 rows,
// which four writers execute. A single insert does not wait for others.
func MultiRow(ctx context.Context, dsn string, log io.Writer) error {
	db, err := open(dsn, writers)
	if err != nil {
		return err
	}
	write := func(batch []*pending) error {
		rows := make([]*client, len(batch))
		for i, p := range batch {
			rows[i] = p.client
		}
		return db.Create(rows).Error
	}
	err = gathering(ctx, slices.Repeat([]func([]*pending) error{write}, writers), log)
	return errors.Join(err, closing(db))
}

// MultiRowSQL is like [MultiRow], with hand-written statements instead of GORM. Each writer has its own connection.
func MultiRowSQL(ctx context.Context, dsn string, log io.Writer) error {
	db, err := open(dsn, writers+1)
	if err != nil {
		return err
	}
	pool, err := db.DB()
	if err != nil {
		return err
	}
	var write []func([]*pending) error
	for range writers {
		conn, err := pool.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		write = append(write, (&writer{conn: conn}).write)
	}
	err = gathering(ctx, write, log)
	return errors.Join(err, pool.Close())
}

// gathering serves until ctx is done, with one writer per function.
func gathering(ctx context.Context, write []func([]*pending) error, log io.Writer) error {
	g := &gatherer{queue: make(chan *pending, 1024)}
	var running sync.WaitGroup
	for _, w := range write {
		running.Go(func() { g.run(w) })
	}
	err := serve(ctx, g.add, log)
	close(g.queue) // no handler is running
	running.Wait()
	return err
}

// A pending client waits to be written.
type pending struct {
	client *client
	done   chan error // of one element
}

// A gatherer is the queue of the writers.
type gatherer struct {
	queue chan *pending
	mu    sync.Mutex // held by the writer that takes from queue
}

// add implements [add]. The client is written even if ctx is done first.
func (g *gatherer) add(ctx context.Context, c *client) error {
	p := &pending{client: c, done: make(chan error, 1)}
	g.queue <- p
	return <-p.done
}

// run writes until the queue is closed.
func (g *gatherer) run(write func([]*pending) error) {
	for {
		batch := g.take()
		if batch == nil {
			return
		}
		err := write(batch)
		for _, p := range batch {
			p.done <- err
		}
	}
}

// take waits for a client and returns it with others that wait, a power of two in total. It returns nil if the queue is
// closed.
func (g *gatherer) take() []*pending {
	g.mu.Lock()
	defer g.mu.Unlock()
	first, open := <-g.queue
	if !open {
		return nil
	}
	waiting := min(1+len(g.queue), maxRows)
	batch := make([]*pending, 1, waiting)
	batch[0] = first
	for n := 1 << (bits.Len(uint(waiting)) - 1); len(batch) < n; {
		batch = append(batch, <-g.queue) // does not block: g.mu is held
	}
	return batch
}

// A writer owns a connection and its prepared statements.
type writer struct {
	conn   *sql.Conn
	bySize [8]*sql.Stmt // by the binary logarithm of the number of rows
}

const columns = "client_id, issued_at, secret_hash, secret_expires_at, client_name, token_endpoint_auth_method, " +
	"scope, software_id, " +
	"software_version, metadata, remote_address, version"

func (w *writer) write(batch []*pending) error {
	ctx := context.Background()
	stmt := &w.bySize[bits.Len(uint(len(batch)))-1]
	if *stmt == nil {
		row := "(" + strings.Repeat(", ?", strings.Count(columns, ",")+1)[2:] + ")"
		prepared, err := w.conn.PrepareContext(ctx, "INSERT INTO clients ("+columns+") VALUES "+strings.Repeat(", "+row,
			len(batch))[2:])
		if err != nil {
			return fmt.Errorf("preparing %d rows: %w", len(batch), err)
		}
		*stmt = prepared
	}
	args := make([]any, 0, 12*len(batch))
	for _, p := range batch {
		c := p.client
		args = append(args, c.ClientID, c.IssuedAt, c.SecretHash, c.SecretExpiresAt, c.ClientName,
			c.TokenEndpointAuthMethod, c.Scope,
			c.SoftwareID, c.SoftwareVersion, c.Metadata, c.RemoteAddress, c.Version)
	}
	_, err := (*stmt).ExecContext(ctx, args...)
	return err
}
