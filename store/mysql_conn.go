package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
)

// A mysqlConnector makes connections that a deadline ends without a goroutine to watch it (see unwatched), and that
// remember the server's number of theirs, so that what they have sent can be followed if they break (see lostConns).
type mysqlConnector struct {
	driver.Connector
	timeout time.Duration // of connecting, with the handshake
}

// newMySQLConnector returns the connector for a configuration. Connections that break during a write are added to lost.
func newMySQLConnector(cfg *mysql.Config, lost *lostConns, complain *complaints) (driver.Connector, error) {
	cfg = cfg.Clone()
	dialer := net.Dialer{}
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		w := &wire{Conn: c, lost: lost, since: time.Now()}
		if to, ok := ctx.Value(wireKey{}).(**wire); ok {
			*to = w
		}
		return w, nil
	}
	inner, err := newSettingConnector(cfg, complain)
	return &mysqlConnector{inner, cfg.Timeout}, err
}

// wireKey is the context key under which Connect gets the wire of the connection that it makes.
type wireKey struct{}

// Connect implements [driver.Connector].
func (c *mysqlConnector) Connect(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var w *wire
	made, err := c.Connector.Connect(context.WithValue(ctx, wireKey{}, &w))
	if err != nil && w == nil {
		return nil, err // the server cannot be reached, so that there is no sense in another attempt
	}
	if err != nil {
		return nil, &unsentError{err}
	}
	conn := &mysqlConn{driverConn: made.(driverConn), wire: w}
	if w.id, err = connectionID(ctx, conn); err != nil {
		return nil, &unsentError{errors.Join(err, conn.Close())}
	}
	return conn, nil
}

// connectionID returns the server's number of a connection.
func connectionID(ctx context.Context, conn driverConn) (int64, error) {
	rows, err := conn.QueryContext(ctx, "SELECT CONNECTION_ID()", nil)
	if err != nil {
		return 0, err
	}
	row := make([]driver.Value, 1)
	if err := rows.Next(row); err != nil {
		return 0, errors.Join(err, rows.Close())
	}
	if b, ok := row[0].([]byte); ok {
		row[0] = string(b)
	}
	id, err := strconv.ParseInt(fmt.Sprint(row[0]), 10, 64)
	if end := rows.Next(row); !errors.Is(end, io.EOF) {
		err = errors.Join(err, end)
	}
	return id, errors.Join(err, rows.Close())
}

// A driverConn is what a connection of the MySQL driver implements.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// A mysqlConn is a connection of the MySQL driver.
type mysqlConn struct {
	driverConn
	wire    *wire
	lookUps map[string]driverStmt // the statements of readRow, by query; nil means none yet
}

// BeginTx implements [driver.ConnBeginTx].
func (c *mysqlConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.driverConn.BeginTx(ctx, o)
	if err != nil {
		return nil, &unsentError{err}
	}
	c.wire.wrote.Store(true)
	until, _ := ctx.Deadline()
	return &mysqlTx{tx, c.wire, until}, nil
}

// A mysqlTx is a transaction of the MySQL driver, which bounds COMMIT and ROLLBACK only by the timeouts of the
// connection.
type mysqlTx struct {
	driver.Tx
	wire  *wire
	until time.Time // deadline of the context with which the transaction began; zero if it has none
}

// rollbackTimeout bounds a ROLLBACK after the deadline of its transaction. Ending the connection has the same effect.
const rollbackTimeout = 100 * time.Millisecond

// Commit implements [driver.Tx].
func (t *mysqlTx) Commit() error {
	t.wire.until = t.until
	defer func() { t.wire.until = time.Time{} }()
	return t.Tx.Commit()
}

// Rollback implements [driver.Tx].
func (t *mysqlTx) Rollback() error {
	if least := time.Now().Add(rollbackTimeout); !t.until.IsZero() && t.until.Before(least) {
		t.until = least
	}
	t.wire.until = t.until
	defer func() { t.wire.until = time.Time{} }()
	return t.Tx.Rollback()
}

// ExecContext implements [driver.ExecerContext].
func (c *mysqlConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.wire.wrote.Store(true)
	return c.driverConn.ExecContext(ctx, query, args)
}

// PrepareContext implements [driver.ConnPrepareContext].
func (c *mysqlConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	made, err := c.driverConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, &unsentError{err}
	}
	return &mysqlStmt{made.(driverStmt), c.wire}, nil
}

// ResetSession implements [driver.SessionResetter].
func (c *mysqlConn) ResetSession(ctx context.Context) error {
	c.wire.wrote.Store(false)
	return c.driverConn.ResetSession(ctx)
}

// A driverStmt is what a statement of the MySQL driver implements.
type driverStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	driver.NamedValueChecker
}

// A mysqlStmt is a statement of the MySQL driver.
type mysqlStmt struct {
	driverStmt
	wire *wire
}

// unwatched is a context whose deadline bounds a statement, while its cancellation does not. It spares the goroutine
// with which the MySQL driver watches a context: its wake-ups take a tenth of the server's processor time over one
// connection. An error that matches the context's own is from before the statement was sent.
type unwatched struct{ context.Context }

// ExecContext implements [driver.StmtExecContext].
func (s *mysqlStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.wire.wrote.Store(true)
	if _, ok := ctx.(unwatched); !ok {
		return s.driverStmt.ExecContext(ctx, args)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.wire.until, _ = ctx.Deadline()
	result, err := s.driverStmt.ExecContext(context.Background(), args)
	s.wire.until = time.Time{}
	return result, err
}

// A wire is a connection to a MySQL server.
type wire struct {
	net.Conn
	lost  *lostConns
	id    int64     // the server's number of the connection
	since time.Time // when the connection was made
	until time.Time // deadline of the statement that runs; zero if only the driver's timeouts bound it

	wrote   atomic.Bool // something that writes was sent since the connection was taken from the pool
	waiting atomic.Bool // something was sent, and no answer to it has begun
}

// SetReadDeadline implements [net.Conn]. The driver calls it before each read.
func (w *wire) SetReadDeadline(t time.Time) error { return w.Conn.SetReadDeadline(w.earlier(t)) }

// SetWriteDeadline implements [net.Conn]. The driver calls it before each write.
func (w *wire) SetWriteDeadline(t time.Time) error { return w.Conn.SetWriteDeadline(w.earlier(t)) }

func (w *wire) earlier(t time.Time) time.Time {
	if !w.until.IsZero() && w.until.Before(t) {
		return w.until
	}
	return t
}

// Read implements [net.Conn].
func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if n > 0 {
		w.waiting.Store(false)
	}
	return n, err
}

// Write implements [net.Conn].
func (w *wire) Write(b []byte) (int, error) {
	w.waiting.Store(true)
	return w.Conn.Write(b)
}

// Close implements [net.Conn]. The call whose statement fails by it sees the connection among the lost ones.
func (w *wire) Close() error {
	if w.wrote.Load() && w.waiting.Load() {
		w.lost.add(lostConn{id: w.id, since: w.since, lost: time.Now()})
	}
	return w.Conn.Close()
}

// SyscallConn implements [syscall.Conn], with which the driver checks whether an idle connection is alive.
func (w *wire) SyscallConn() (syscall.RawConn, error) { return w.Conn.(syscall.Conn).SyscallConn() }
