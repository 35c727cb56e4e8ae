package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// maxStatements bounds what is kept prepared on each connection. This package has about a dozen queries; only a page
// size that SQLite's dialect writes into the query itself makes more.
const maxStatements = 64

// statements is a pool of connections that prepares each query once and keeps it for as long as it is open.
// Transactions do not use it: they prepare their own.
//
// It stands in for gorm's PrepareStmt. That hands one caller's cancelled context to every caller who waits for the same
// statement, closes statements that others are about to run, and locks up for good where a transaction holds the last
// connection and wants a statement that somebody outside of it is preparing.
type statements struct {
	*sql.DB

	mu      sync.RWMutex
	byQuery map[string]*sql.Stmt
}

func newStatements(db *sql.DB) *statements {
	return &statements{DB: db, byQuery: map[string]*sql.Stmt{}}
}

// prepared returns the statement of query, or nil if there are too many already.
func (s *statements) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.RLock()
	stmt, n := s.byQuery[query], len(s.byQuery)
	s.mu.RUnlock()
	if stmt != nil || n >= maxStatements {
		return stmt, nil
	}
	// No lock is held meanwhile: of several who prepare the same query the first one's statement stays.
	mine, err := s.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first := s.byQuery[query]; first != nil || len(s.byQuery) >= maxStatements {
		mine.Close()
		return first, nil
	}
	s.byQuery[query] = mine
	return mine, nil
}

// ExecContext implements [gorm.io/gorm.ConnPool].
func (s *statements) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := s.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return s.DB.ExecContext(ctx, query, args...)
	}
	return stmt.ExecContext(ctx, args...)
}

// QueryContext implements [gorm.io/gorm.ConnPool].
func (s *statements) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := s.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	if stmt == nil {
		return s.DB.QueryContext(ctx, query, args...)
	}
	return stmt.QueryContext(ctx, args...)
}

// QueryRowContext implements [gorm.io/gorm.ConnPool].
func (s *statements) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt, err := s.prepared(ctx, query); err == nil && stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return s.DB.QueryRowContext(ctx, query, args...)
}

// GetDBConn implements [gorm.io/gorm.GetDBConnector].
func (s *statements) GetDBConn() (*sql.DB, error) { return s.DB, nil }

// Close closes the statements and the pool.
func (s *statements) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for query, stmt := range s.byQuery {
		errs = append(errs, stmt.Close())
		delete(s.byQuery, query)
	}
	return errors.Join(append(errs, s.DB.Close())...)
}
