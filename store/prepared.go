package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// maxStatements bounds the statements that are kept prepared on each connection. This package has about two dozen
// queries; only a page size that SQLite's dialect writes into the query itself makes more.
const maxStatements = 64

// A preparedPool is a pool of connections that prepares each query once and keeps the statement until it is closed.
// Transactions do not use it: they prepare their own statements.
//
// It takes the place of gorm's PrepareStmt, which hands one caller's cancelled context to every caller that waits for
// the same statement, closes statements that others are about to run, and deadlocks where a transaction holds the last
// connection and wants a statement that a caller outside of it is preparing.
type preparedPool struct {
	*sql.DB

	mu      sync.RWMutex
	byQuery map[string]*sql.Stmt
}

func newPreparedPool(db *sql.DB) *preparedPool {
	return &preparedPool{DB: db, byQuery: map[string]*sql.Stmt{}}
}

// prepared returns the statement of query, or nil if there are too many already.
func (p *preparedPool) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	p.mu.RLock()
	stmt, n := p.byQuery[query], len(p.byQuery)
	p.mu.RUnlock()
	if stmt != nil || n >= maxStatements {
		return stmt, nil
	}
	// No lock is held meanwhile. If several callers prepare the same query, the first one's statement stays.
	own, err := p.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.byQuery[query]; first != nil || len(p.byQuery) >= maxStatements {
		own.Close()
		return first, nil
	}
	p.byQuery[query] = own
	return own, nil
}

// ExecContext implements [gorm.io/gorm.ConnPool].
func (p *preparedPool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := p.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return p.DB.ExecContext(ctx, query, args...)
	}
	return stmt.ExecContext(ctx, args...)
}

// QueryContext implements [gorm.io/gorm.ConnPool].
func (p *preparedPool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := p.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return p.DB.QueryContext(ctx, query, args...)
	}
	return stmt.QueryContext(ctx, args...)
}

// QueryRowContext implements [gorm.io/gorm.ConnPool].
func (p *preparedPool) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt, err := p.prepared(ctx, query); err == nil && stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return p.DB.QueryRowContext(ctx, query, args...)
}

// GetDBConn implements [gorm.io/gorm.GetDBConnector].
func (p *preparedPool) GetDBConn() (*sql.DB, error) { return p.DB, nil }

// Close closes the statements and the pool.
func (p *preparedPool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for query, stmt := range p.byQuery {
		errs = append(errs, stmt.Close())
		delete(p.byQuery, query)
	}
	return errors.Join(append(errs, p.DB.Close())...)
}
