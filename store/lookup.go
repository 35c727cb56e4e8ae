package store

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"registrar/engine"
)

// clientByID and clientByToken find one client.
const (
	clientByID    = "SELECT " + clientColumns + " FROM clients WHERE client_id = ?"
	clientByToken = clientByID + " AND token_hash = ?"
)

// lookUpClient returns the registered client that a query of clientColumns finds, or [engine.ErrNotFound].
func (s *Store) lookUpClient(ctx context.Context, query string, args ...any) (*engine.Client, error) {
	var row clientRow
	if err := s.lookUp(ctx, query, args, row.fields()); err != nil {
		return nil, err
	}
	return s.client(ctx, &row)
}

// lookUp sets to, pointers, to the columns of the row that a query finds, or returns [engine.ErrNotFound]. It does
// without gorm, which takes longer to read a row than the database does.
func (s *Store) lookUp(ctx context.Context, query string, args, to []any) error {
	began := time.Now()
	err := s.pools[0].readRow(ctx, query, args, to)
	if s.observer != nil {
		s.observer.StatementEnded(StatementSelect, time.Since(began))
	}
	if errors.Is(err, sql.ErrNoRows) {
		return engine.ErrNotFound
	}
	return classify(ctx, err)
}

// fields returns pointers to the fields of clientColumns, in their order.
func (r *clientRow) fields() []any {
	return []any{&r.ClientID, &r.Registration, &r.IssuedAt, &r.Metadata, &r.Caller, &r.SecretHash, &r.SecretSalt,
		&r.SecretExpiresAt, &r.Deployment, &r.Acts, &r.Version, &r.TokenHash, &r.FormerHash, &r.FormerSalt,
		&r.FormerExpiresAt, &r.UpdatedAt, &r.UpdatedDeployment, &r.UpdatedActs, &r.SeenAt, &r.SecretIssuedAt,
		&r.RetryUntil, &r.Status, &r.AdminActs}
}

// readRow sets to, pointers, to the columns of the first row of a query, or returns [sql.ErrNoRows].
func (p *preparedPool) readRow(ctx context.Context, query string, args, to []any) error {
	if !p.direct {
		return p.QueryRowContext(ctx, query, args...).Scan(to...)
	}
	for attempt := 1; ; attempt++ {
		err := p.readDirectly(ctx, query, args, to)
		if !errors.Is(err, driver.ErrBadConn) || attempt == attempts {
			return err
		}
	}
}

// attempts is how many connections of the pool readRow tries that were lost while they were idle, as package sql does.
const attempts = 3

// readDirectly is readRow on a connection of the pool, without the goroutines with which package sql and the driver
// watch a context: the deadline of ctx bounds the query, but if ctx is cancelled it goes on.
func (p *preparedPool) readDirectly(ctx context.Context, query string, args, to []any) error {
	conn, err := p.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error { return c.(*mysqlConn).readRow(ctx, query, args, to) })
}

// readRow runs a query, which stays prepared on the connection, and sets to to the columns of its first row.
func (c *mysqlConn) readRow(ctx context.Context, query string, args, to []any) (err error) {
	c.wire.until, _ = ctx.Deadline()
	defer func() { c.wire.until = time.Time{} }()
	stmt := c.lookUps[query]
	if stmt == nil {
		made, err := c.driverConn.PrepareContext(context.Background(), query)
		if err != nil {
			return err
		}
		stmt = made.(driverStmt)
		if c.lookUps == nil {
			c.lookUps = map[string]driverStmt{}
		}
		c.lookUps[query] = stmt
	}
	named := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	rows, err := stmt.QueryContext(context.Background(), named)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	values := make([]driver.Value, len(to))
	if err := rows.Next(values); errors.Is(err, io.EOF) {
		return sql.ErrNoRows
	} else if err != nil {
		return err
	}
	for i, v := range values {
		if err := assign(to[i], v); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

// assign sets what to points to, a field of a row, to a value of the driver, whose bytes it copies.
func assign(to any, v driver.Value) error {
	switch to := to.(type) {
	case sql.Scanner:
		return to.Scan(v)
	case *string:
		if b, ok := v.([]byte); ok {
			*to = string(b)
			return nil
		}
	case *[]byte:
		if b, ok := v.([]byte); ok {
			*to = bytes.Clone(b)
			return nil
		}
	case *int64:
		if n, ok := v.(int64); ok {
			*to = n
			return nil
		}
	case *time.Time:
		if at, ok := v.(time.Time); ok {
			*to = at
			return nil
		}
	}
	return fmt.Errorf("a value of type %T is not a %T", v, to)
}
