package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// lostConns are the connections to a MySQL server that ended before a write was answered. The server may run the write
// later, for example because it was stopped: an INSERT can then follow the DELETE that should undo it. So a row is
// settled only when the server has ended the connection too, which it does after what it has read from it.
//
// There are few: a server that does not answer accepts no new connections, and each is forgotten when the server has
// ended it, or after a time in which no row is in doubt.
type lostConns struct {
	log *slog.Logger

	mu     sync.Mutex
	list   []lostConn  // in the order in which they were lost
	needed func() bool // reports whether a row is in doubt
}

type lostConn struct {
	id    int64     // the server's number of the connection
	since time.Time // when it was made
	lost  time.Time // when it ended on this side
}

// lostFor is how long a lost connection is kept while no row is in doubt: longer than the search for an outcome takes,
// at whose end a row may come to be in doubt.
const lostFor = 2 * (outcomeTimeout + statementTimeout)

// add adds a connection, before it is closed. While no row is in doubt, add drops those that were lost long ago.
func (l *lostConns) add(c lostConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.needed == nil || !l.needed() {
		l.list = slices.DeleteFunc(l.list, func(old lostConn) bool { return c.lost.Sub(old.lost) > lostFor })
	}
	l.list = append(l.list, c)
}

// keepWhile sets the function that reports whether a row is in doubt.
func (l *lostConns) keepWhile(needed func() bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.needed = needed
}

// restartMargin is the precision with which a server's uptime tells when it was started.
const restartMargin = 2 * time.Second

// oldest has the server end the lost connections, forgets those that it has ended, and returns when the first of the
// others was lost; zero if there are no others.
func (l *lostConns) oldest(ctx context.Context, db *sql.DB) (time.Time, error) {
	l.mu.Lock()
	list := slices.Clone(l.list)
	l.mu.Unlock()
	if len(list) == 0 {
		return time.Time{}, nil
	}
	open, started, err := processes(ctx, db)
	if err != nil {
		return time.Time{}, classify(ctx, err)
	}
	var oldest time.Time
	for _, c := range list {
		// A server that was started again numbers its connections from the beginning.
		if !slices.Contains(open, c.id) || started.After(c.since.Add(restartMargin)) {
			l.drop(c)
			continue
		}
		if oldest.IsZero() {
			oldest = c.lost
		}
		// Users may kill their own connections.
		if _, err := db.ExecContext(ctx, fmt.Sprintf("KILL CONNECTION %d", c.id)); err != nil {
			l.log.DebugContext(ctx, "ending a lost connection", "connection", c.id, "error", err)
		}
	}
	return oldest, nil
}

// processes returns the numbers of the server's connections, as far as this user may see them, and when it was started.
func processes(ctx context.Context, db *sql.DB) (ids []int64, started time.Time, err error) {
	rows, err := db.QueryContext(ctx, "SELECT id FROM information_schema.processlist")
	if err != nil {
		return nil, started, fmt.Errorf("reading the list of processes: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, started, fmt.Errorf("reading the list of processes: %w", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, started, fmt.Errorf("reading the list of processes: %w", err)
	}
	var name string
	var uptime int64 // seconds
	if err := db.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Uptime'").Scan(&name, &uptime); err != nil {
		return nil, started, fmt.Errorf("reading the uptime of the server: %w", err)
	}
	return ids, time.Now().Add(-time.Duration(uptime) * time.Second), nil
}

func (l *lostConns) drop(c lostConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = slices.DeleteFunc(l.list, func(other lostConn) bool { return other == c })
}
