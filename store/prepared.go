package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// maxStatements bounds the statements that are kept prepared on each connection. This package has about two dozen
// queries, and more only because SQLite's dialect writes page sizes into the query.
const maxStatements = 64

// A preparedPool is a connection pool that prepares each query once and keeps the statement until Close. Transactions
// do not use the statements; they prepare their own.
//
// It replaces gorm's PrepareStmt, which has three defects. If one caller's context is cancelled, all callers that wait
// for the same statement fail. It closes statements that others are about to run. It deadlocks if a transaction holds
// the last connection and needs a statement that another caller is preparing.
type preparedPool struct {
	*sql.DB
	direct bool // its connections are of type *mysqlConn; see readRow

	mu      sync.RWMutex
	byQuery map[string]*sql.Stmt
}

func newPreparedPool(db *sql.DB) *preparedPool {
	return &preparedPool{DB: db, byQuery: map[string]*sql.Stmt{}}
}

// prepared returns the statement of query, or nil if maxStatements others are kept.
func (p *preparedPool) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	p.mu.RLock()
	stmt, n := p.byQuery[query], len(p.byQuery)
	p.mu.RUnlock()
	if stmt != nil || n >= maxStatements {
		return stmt, nil
	}
	// Prepare without the lock. If several callers prepare the same query, the first statement is kept.
	own, err := p.PrepareContext(ctx, query)
	if err != nil {
		return nil, &unsentError{err}
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
