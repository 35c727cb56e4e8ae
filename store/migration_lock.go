package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"registrar/internal/guard"
)

const (
	// migrationLease is how long the lock of migrations lasts without being renewed. Its holder renews it in a third.
	migrationLease = 15 * time.Second
	// migrationPoll is how often a process that waits for the lock looks whether it is free.
	migrationPoll = 100 * time.Millisecond
	// releaseTimeout bounds the release of the lock. A lock that is not released ends with its lease.
	releaseTimeout = 5 * time.Second
)

// The table has one row, which stays when the schema is dropped: others may wait for it. It is no part of the schema,
// whose first migration needs it. holder is the process that migrates, and empty if none does. renewals counts up as
// long as the holder lives. unfinished is the migration that was begun last, negative if it is down, and NULL if it has
// ended. renewed_at is for people.
const createLock = `CREATE TABLE IF NOT EXISTS migration_lock (
    id         TINYINT       NOT NULL,
    holder     VARBINARY(64) NOT NULL DEFAULT '',
    renewals   BIGINT        NOT NULL DEFAULT 0,
    renewed_at DATETIME(6)   NULL,
    unfinished BIGINT        NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`

// Statements on the row. Each changes it, so that the rows affected tell whether its condition held.
const (
	insertLock = `INSERT IGNORE INTO migration_lock (id) VALUES (1)`
	readLock   = `SELECT holder, renewals, unfinished FROM migration_lock WHERE id = 1`
	takeLock   = `UPDATE migration_lock SET holder = ?, renewals = renewals + 1, renewed_at = UTC_TIMESTAMP(6)
		WHERE id = 1 AND (holder IN ('', ?) OR holder = ? AND renewals = ?)`
	renewLock = `UPDATE migration_lock SET renewals = renewals + 1, renewed_at = UTC_TIMESTAMP(6)
		WHERE id = 1 AND holder = ?`
	beginStep = `UPDATE migration_lock SET unfinished = ?, renewals = renewals + 1, renewed_at = UTC_TIMESTAMP(6)
		WHERE id = 1 AND holder = ?`
	freeLock = `UPDATE migration_lock SET holder = '', unfinished = ?, renewals = renewals + 1
		WHERE id = 1 AND holder = ?`
)

// errLockLost reports that this process no longer has the lock. It must not migrate further.
var errLockLost = errors.New("another process has taken over the migrations, because this one did not renew its " +
	"lock: it hung, or could not reach the database")

// A migrationLock is the lock under which one process migrates a MySQL database. It is a row of a table, since a lock
// of the server (GET_LOCK) is one node's in a cluster: the row is changed only by statements that say what it must have
// been, and a cluster lets one of them commit. The lock lasts for a lease, which its holder renews. It is taken from a
// holder that was not seen to renew it for that long, so that no clocks are compared: those of nodes may differ.
//
// A holder that hangs for longer than its lease and then goes on may run the rest of a statement at the same time as
// the process that took over. It stops before the next migration at the latest, for which it must have the lock.
type migrationLock struct {
	db      *sql.DB
	id      string // of this process
	lease   time.Duration
	log     *slog.Logger
	repeats *atomic.Bool // see repeatConn

	open step // the migration that was begun last, and is not known to have ended
}

// A lockState is the row.
type lockState struct {
	holder   string
	renewals int64
	begun    step
}

// exclusively runs f while this process has the lock.
func (m *mysqlDatabase) exclusively(ctx context.Context, db *sql.DB,
	f func(context.Context, *migrationLock) error) error {
	l := &migrationLock{db: db, id: rand.Text(), lease: m.lease, log: m.log, repeats: &m.repeats}
	if err := l.acquire(ctx); err != nil {
		return fmt.Errorf("waiting for the lock of migrations: %w", err)
	}
	migrating, stop := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	m.guard.GoIn(&renewing, guard.Batches, func() { l.renew(migrating, stop) })
	err := f(migrating, l)
	if cause := context.Cause(migrating); errors.Is(cause, errLockLost) && !errors.Is(err, errLockLost) {
		err = errors.Join(errLockLost, err)
	}
	stop(nil)
	renewing.Wait()
	l.release(ctx)
	return err
}

// acquire waits until this process has the lock, or until ctx ends. It waits for as long as another holder renews it,
// since altering a large table takes long.
func (l *migrationLock) acquire(ctx context.Context) error {
	var seen lockState
	var since time.Time // when seen was first seen
	for {
		asked := time.Now()
		now, err := l.read(ctx)
		switch {
		case conflicts(err):
		case err != nil:
			return err
		case now.holder == "", now.holder == l.id, now == seen && asked.Sub(since) >= l.lease:
			taken, err := l.change(ctx, takeLock, l.id, l.id, now.holder, now.renewals)
			if err != nil && !conflicts(err) {
				return err
			}
			if taken {
				if now.holder != "" && now.holder != l.id {
					l.log.WarnContext(ctx, "took the lock of migrations from a process that did not renew it",
						"lease", l.lease)
				}
				l.open = now.begun
				return nil
			}
		case now != seen:
			if since.IsZero() {
				l.log.InfoContext(ctx, "waiting for another process that migrates the database")
			}
			seen, since = now, time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(migrationPoll):
		}
	}
}

// read returns the row, after creating it if it does not exist.
func (l *migrationLock) read(ctx context.Context) (lockState, error) {
	for {
		s, err := readLockState(ctx, l.db)
		switch {
		case number(err) == unknownTable:
			_, err = l.db.ExecContext(ctx, createLock)
		case errors.Is(err, sql.ErrNoRows):
			_, err = l.db.ExecContext(ctx, insertLock)
		default:
			return s, err
		}
		if err != nil {
			return lockState{}, err
		}
	}
}

func readLockState(ctx context.Context, db *sql.DB) (s lockState, err error) {
	var noted sql.Null[int64]
	err = db.QueryRowContext(ctx, readLock).Scan(&s.holder, &s.renewals, &noted)
	s.begun = notedStep(noted)
	return s, err
}

// change executes one of the statements on the row, and reports whether its condition held.
func (l *migrationLock) change(ctx context.Context, statement string, args ...any) (bool, error) {
	result, err := l.db.ExecContext(ctx, statement, args...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// conflicts reports whether another session was first, so that the same statement may succeed if it is repeated. In a
// cluster that is found at the commit. The name of a table that others create at the same moment may be taken too.
func conflicts(err error) bool {
	n := number(err)
	return n == deadlock || n == lockWait || n == tableExists || n == duplicateEntry
}

// renew renews the lease until ctx ends, which it ends itself if another process has the lock. A renewal that gets no
// answer does not end it: in a cluster all writes wait while a table is altered, also those of a process that would
// take the lock.
func (l *migrationLock) renew(ctx context.Context, stop context.CancelCauseFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(l.lease / 3):
		}
		held, err := l.change(ctx, renewLock, l.id)
		if err == nil && !held {
			stop(errLockLost)
			return
		}
		if err != nil && ctx.Err() == nil {
			l.log.DebugContext(ctx, "renewing the lock of migrations", "error", err)
		}
	}
}

// begun returns the migration that another process has begun, if its end is not noted. See step.continues.
func (l *migrationLock) begun() step {
	if l == nil {
		return step{}
	}
	return l.open
}

// begunStep is backend.begun. The table may not exist yet, and a user who does not migrate need not be able to read it.
func begunStep(ctx context.Context, db *sql.DB) (step, error) {
	s, err := readLockState(ctx, db)
	if rejected(err) || errors.Is(err, sql.ErrNoRows) {
		return step{}, nil
	}
	return s.begun, err
}

// during runs a migration, if this process still has the lock. Where it was interrupted before, its statements may find
// their effect there already.
func (l *migrationLock) during(ctx context.Context, s step, apply func(context.Context) error) error {
	if l == nil {
		return apply(ctx)
	}
	again := l.open == s
	if err := l.begin(ctx, s); err != nil {
		return err
	}
	if again {
		l.log.WarnContext(ctx, "finishing a migration that was interrupted", "version", s.version, "down", s.down)
		l.repeats.Store(true)
		defer l.repeats.Store(false)
	}
	err := apply(ctx)
	if err == nil || alreadyThere(err) { // a table that is not registrar's must not be taken for one at the next attempt
		l.open = step{}
	}
	return err
}

// begin notes that a migration begins.
func (l *migrationLock) begin(ctx context.Context, s step) error {
	for {
		held, err := l.change(ctx, beginStep, s.noted(), l.id)
		switch {
		case err == nil && held:
			l.open = s
			return nil
		case err == nil:
			return errLockLost
		case !conflicts(err):
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(migrationPoll):
		}
	}
}

// release gives the lock back, even if ctx has ended, with what this process knows of the last migration.
func (l *migrationLock) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	_, err := l.change(ctx, freeLock, l.open.noted(), l.id)
	for conflicts(err) && ctx.Err() == nil {
		_, err = l.change(ctx, freeLock, l.open.noted(), l.id)
	}
	if err != nil {
		l.log.WarnContext(ctx, "the lock of migrations was not released: others wait until its lease has ended",
			"lease", l.lease, "error", err)
	}
}
