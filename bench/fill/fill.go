package fill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"registrar/engine"
	"registrar/scripts"
)

const (
	batch       = 1000 // rows per statement
	connections = 3
)

// columns are those that the store writes for a new client. The others are NULL or have a default.
const columns = "client_id, registration, issued_at, client_name, metadata, caller, secret_hash, deployment, acts, " +
	"token_hash, writer, sequence, event"

const values = "(?,?,?,?,?,?,?,?,?,?,?,?,?)"

// Clients inserts clients until db, a registrar database, has want of them. It must have have already, all inserted by
// Clients; with 0 it must be new. db is one of MariaDB, or one of SQLite with a single connection. Rows are inserted in
// the order of their IDs, in statements of a thousand. Random IDs are spread over the whole table, so that a table that
// is filled in several runs has gaps as if it had grown. progress gets lines for people; nil discards them.
func Clients(ctx context.Context, db *sql.DB, ids IDs, have, want int, progress io.Writer) error {
	if progress == nil {
		progress = io.Discard
	}
	if have == 0 {
		if err := deploy(ctx, db); err != nil {
			return fmt.Errorf("filling in deployments: %w", err)
		}
	}
	count, began := want-have, time.Now()
	var next, done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range connections {
		group.Go(func() error {
			w, err := newWriter(ctx, db)
			if err != nil {
				return err
			}
			defer w.close()
			for {
				from := int(next.Add(batch)) - batch
				if from >= count {
					return nil
				}
				to := min(from+batch, count)
				m := newMaker(uint64(have+from), ids)
				if err := w.write(ctx, m, have, from, to, count); err != nil {
					return fmt.Errorf("inserting clients from %d: %w", have+from, err)
				}
				if now := done.Add(int64(to - from)); now/100_000 != (now-int64(to-from))/100_000 {
					fmt.Fprintf(progress, "%d of %d clients, %.0f/s\n", have+int(now), want,
						float64(now)/time.Since(began).Seconds())
				}
			}
		})
	}
	return group.Wait()
}

// deploy adds the deployment that clients name, and after it one without scripts, which is in force: registrar does not
// look for the script's module.
func deploy(ctx context.Context, db *sql.DB) error {
	list, err := json.Marshal([]scripts.Script{script}, json.Deterministic(true))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "INSERT INTO deployments (number, scripts, comment, copy_of, created_at) "+
		"VALUES (?,?,'',0,?), (?,'[]','',0,?)", deployment, string(list), First, deployment+1, First)
	return err
}

// A writer owns a connection and its statement.
type writer struct {
	conn *sql.Conn
	full *sql.Stmt // of a whole batch
	args []any
}

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{conn: conn}
	if w.full, err = conn.PrepareContext(ctx, insert(batch)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return w, nil
}

func (w *writer) close() { w.full.Close(); w.conn.Close() }

func insert(rows int) string {
	return "INSERT INTO clients (" + columns + ") VALUES " + strings.TrimSuffix(strings.Repeat(values+",", rows), ",")
}

// write inserts the clients from (inclusive) to to (exclusive), of count.
func (w *writer) write(ctx context.Context, m *maker, have, from, to, count int) error {
	w.args = w.args[:0]
	for i := from; i < to; i++ {
		n := have + i
		row, err := row(&m.client(n, i, count).Client, n)
		if err != nil {
			return err
		}
		w.args = append(w.args, row...)
	}
	var err error
	if to-from == batch {
		_, err = w.full.ExecContext(ctx, w.args...)
	} else {
		_, err = w.conn.ExecContext(ctx, insert(to-from), w.args...)
	}
	return err
}

// row returns the columns of the nth client.
func row(c *engine.Client, n int) ([]any, error) {
	acts := [][]any{}
	for _, act := range c.Provenance.Acts {
		short := []any{0, act.Step} // of the deployment's first script, as the store shortens acts
		for _, member := range act.Changed {
			short = append(short, member)
		}
		acts = append(acts, short)
	}
	var documents [3]string
	for i, v := range []any{c.Metadata, c.Caller, acts} {
		b, err := json.Marshal(v, json.Deterministic(true), json.FormatNilSliceAsNull(true),
			jsontext.PreserveRawStrings(true))
		if err != nil {
			return nil, err
		}
		documents[i] = string(b)
	}
	var secret any
	if c.Secret != nil {
		secret = c.Secret.Hash[:]
	}
	process := [16]byte{14: byte(n / perWriter >> 8), 15: byte(n / perWriter)}
	return []any{c.ID, c.RegistrationID[:], c.IssuedAt, c.Metadata.ClientName, documents[0], documents[1], secret,
		c.Provenance.Deployment,
		documents[2], c.TokenHash[:], process[:], n%perWriter + 1, "registered"}, nil
}
