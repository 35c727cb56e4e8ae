package store

import (
	"context"
	"errors"

	"registrar/store/groupcommit"
)

const (
	// maxBatchWriters bounds the batches of clients that are written at the same time, where many wait.
	maxBatchWriters = 4
	// maxBatch bounds the clients of a batch.
	maxBatch = 64
)

// A batchError reports that a batch was not stored, for a reason that need not hold for each of its rows.
type batchError struct {
	err     error
	unknown bool // the batch may have been stored all the same
}

func (e *batchError) Error() string { return e.err.Error() }
func (e *batchError) Unwrap() error { return e.err }

// newBatches returns the committer that gathers the rows of addRow.
func (s *Store) newBatches(writers int) *groupcommit.Committer[*clientRow] {
	return groupcommit.New(groupcommit.Config[*clientRow]{
		Commit: s.createRows, Writers: min(writers, maxBatchWriters), MaxBatch: maxBatch,
	})
}

// addRow stores the row in one batch with those that wait at the same time. If the batch fails, each of its rows is
// inserted again by itself: a duplicate fails without the others, and rows that come later do not wait for the outcome
// of these.
func (s *Store) addRow(ctx context.Context, row *clientRow) error {
	err := s.batches.Do(ctx, row)
	failed, ok := errors.AsType[*batchError](err)
	if !ok {
		return err
	}
	in := &insertion{
		create: func(ctx context.Context) error { return s.writer.WithContext(ctx).Create(row).Error },
		isOurs: s.isStored(row),
	}
	if failed.unknown {
		in.unknownErr = failed.err
	} else {
		ctx = context.WithoutCancel(ctx) // the batch had the row: ctx ends no wait any more
	}
	return s.insert(ctx, in)
}

// createRows stores all rows in one statement, or none. ctx has no end: the MySQL driver watches one that has from a
// goroutine, and to wake that twice takes a tenth of the server's processor time over one connection. What bounds the
// statement is how long the connection may be silent; see mysqlReadWrite and sqliteBusy.
func (s *Store) createRows(ctx context.Context, rows []*clientRow) []error {
	err := classify(ctx, s.batchInsert.run(ctx, s.writer, rows))
	if err == nil {
		return nil
	}
	known := settled(err)
	if !known || !unavailable(err) || number(err) == deadlock {
		err = &batchError{err: err, unknown: !known}
	}
	verdicts := make([]error, len(rows))
	for i := range verdicts {
		verdicts[i] = err
	}
	return verdicts
}
