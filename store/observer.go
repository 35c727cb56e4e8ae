package store

import (
	"database/sql"
	"errors"
	"time"

	"gorm.io/gorm"

	"registrar/store/groupcommit"
)

// An Observer is notified of what a Store does. It must be safe for concurrent use and must not block: it is called
// during registrations.
type Observer interface {
	// StatementEnded is called for each statement and transaction, with its kind, one of the constants below, and its
	// time, from the request for a connection to the last row. Beats, migrations and the settling of doubts are left
	// out.
	StatementEnded(kind string, took time.Duration)
	groupcommit.Observer // of the batches of clients
}

// The kinds of statements.
const (
	StatementSelect = "select"
	StatementInsert = "insert"
	StatementUpdate = "update"
	StatementDelete = "delete"
	StatementRaw    = "raw" // SQL that is written by hand
	// StatementTransaction is a whole transaction with its commit. Its statements count too.
	StatementTransaction = "transaction"
)

// observeStatements has the observer notified of each statement that gorm runs. Without an observer, it changes
// nothing.
func (s *Store) observeStatements() error {
	if s.observer == nil {
		return nil
	}
	dbs := []*gorm.DB{s.reader}
	if s.writer != s.reader {
		dbs = append(dbs, s.writer)
	}
	var errs []error
	for _, db := range dbs {
		on := db.Callback()
		errs = append(errs,
			s.observe(on.Query(), "gorm:query", StatementSelect),
			s.observe(on.Row(), "gorm:row", StatementSelect),
			s.observe(on.Create(), "gorm:create", StatementInsert),
			s.observe(on.Update(), "gorm:update", StatementUpdate),
			s.observe(on.Delete(), "gorm:delete", StatementDelete),
			s.observe(on.Raw(), "gorm:raw", StatementRaw))
	}
	return errors.Join(errs...)
}

// A processor runs gorm's callbacks of one kind.
type processor interface {
	Get(name string) func(*gorm.DB)
	Replace(name string, f func(*gorm.DB)) error
}

// observe wraps the callback that sends a statement.
func (s *Store) observe(p processor, name, kind string) error {
	send := p.Get(name)
	return p.Replace(name, func(db *gorm.DB) {
		began := time.Now()
		send(db)
		s.observer.StatementEnded(kind, time.Since(began))
	})
}

// Pools returns the statistics of the connection pools by name: read and write, or all where one pool does both.
func (s *Store) Pools() map[string]sql.DBStats {
	if len(s.pools) == 1 {
		return map[string]sql.DBStats{"all": s.pools[0].Stats()}
	}
	return map[string]sql.DBStats{"read": s.pools[0].Stats(), "write": s.pools[len(s.pools)-1].Stats()}
}
