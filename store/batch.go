package store

import (
	"context"
	"errors"

	"github.com/pressly/goose/v3"

	"registrar/internal/guard"
	"registrar/store/groupcommit"
)

const (
	// maxBatchWriters bounds the batches of clients that are written at the same time.
	maxBatchWriters = 4
	// maxBatch bounds the clients of a batch.
	maxBatch = 64
)

// A batchError reports that a batch failed for a reason that may not apply to each of its rows.
type batchError struct {
	err     error
	unknown bool // the batch may have been stored nevertheless
}

func (e *batchError) Error() string { return e.err.Error() }
func (e *batchError) Unwrap() error { return e.err }

// maybeStored reports whether a batch that returned err may have been stored nevertheless.
func maybeStored(err error) bool {
	failed, ok := errors.AsType[*batchError](err)
	_, panicked := errors.AsType[*guard.PanicError](err)
	return ok && failed.unknown || panicked
}

// newBatches returns the committer that batches the rows of addRow.
func (s *Store) newBatches(b *backend, g *guard.Guard) *groupcommit.Committer[*clientRow] {
	return groupcommit.New(groupcommit.Config[*clientRow]{
		Commit: s.createRows, Left: s.doubts.ended, Writers: min(b.writers, maxBatchWriters), MaxBatch: maxBatch,
		Yield:    b.dialect == goose.DialectSQLite3,
		Guard:    g,
		Observer: s.observer,
	})
}

// addRow stores a row in one batch with concurrent ones. If the batch fails, each of its rows is inserted again
// separately. A duplicate thus does not fail the others, and later rows do not wait for the outcome of these.
func (s *Store) addRow(ctx context.Context, row *clientRow) error {
	err := s.batches.Do(ctx, row)
	failed, ok := errors.AsType[*batchError](err)
	if !ok {
		return err
	}
	in := &insertion{
		create: func(ctx context.Context) error { return s.batchInsert.run(ctx, s.writer, []*clientRow{row}) },
		isOurs: s.isStored(row),
	}
	if failed.unknown {
		in.unknownErr = failed.err
		return s.insert(ctx, in)
	}
	// Cancelling ctx ends only waits before the first statement.
	ctx, cancel := uncancelled(ctx)
	defer cancel()
	return s.insert(ctx, in)
}

// uncancelled returns a context that has the deadline of ctx, but does not end when ctx is cancelled.
func uncancelled(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, bounded := ctx.Deadline()
	if ctx = context.WithoutCancel(ctx); bounded {
		return context.WithDeadline(ctx, deadline)
	}
	return ctx, func() {}
}

// createRows stores all rows in one statement, or none. The deadline of ctx bounds the statement, and otherwise the
// timeouts of the connection do; see unwatched, mysqlReadWrite and sqliteBusy.
func (s *Store) createRows(ctx context.Context, rows []*clientRow) []error {
	err := s.batchInsert.run(unwatched{ctx}, s.writer, rows)
	if err == nil {
		return nil
	}
	late := ctx.Err() != nil && errors.Is(err, ctx.Err())
	_, unsent := errors.AsType[*unsentError](err)
	if late && !unsent {
		err = &unsentError{err} // see unwatched
	}
	err = classify(ctx, err)
	known := settled(err)
	if !late && (!known || unsent || !unavailable(err) || number(err) == deadlock) {
		err = &batchError{err: err, unknown: !known}
	}
	results := make([]error, len(rows))
	for i := range results {
		results[i] = err
	}
	return results
}
