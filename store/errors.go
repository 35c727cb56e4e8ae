package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/go-sql-driver/mysql"
	"github.com/ncruces/go-sqlite3"
	"gorm.io/gorm"

	"registrar/engine"
)

// Numbers of MySQL's errors that need special treatment.
const (
	unknownDatabase  = 1049
	tableExists      = 1050
	unknownDropped   = 1051 // a table to drop
	duplicateColumn  = 1060
	duplicateKeyName = 1061
	duplicateEntry   = 1062
	cannotDrop       = 1091 // a column or key that does not exist
	unknownTable     = 1146
	unknownVariable  = 1193
	lockWait         = 1205
	deadlock         = 1213
)

// classify wraps an error of a database call under ctx, so that it matches [engine.ErrUnavailable] if the database is
// unreachable or overloaded. If ctx was cancelled, the error matches [context.Canceled]. If the deadline of ctx has
// passed, the database is too slow, and the error matches [engine.ErrUnavailable].
func classify(ctx context.Context, err error) error {
	switch done := ctx.Err(); {
	case err == nil, errors.Is(err, engine.ErrUnavailable):
		return err
	case done != nil && !errors.Is(err, done) && interrupted(err):
		err = fmt.Errorf("%w: %w", done, err)
	}
	if errors.Is(err, context.Canceled) || !unavailable(err) {
		return err
	}
	return fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
}

// classifyWrite classifies the error of a write other than AddClient. If the write may have taken effect nevertheless,
// the error also matches [engine.ErrOutcomeUnknown].
func classifyWrite(ctx context.Context, err error) error {
	err = classify(ctx, err)
	if err == nil || settled(err) {
		return err
	}
	return fmt.Errorf("%w: %w", engine.ErrOutcomeUnknown, err)
}

// classifyRow classifies the error of a query for one row. It returns absent if the row does not exist.
func classifyRow(ctx context.Context, err, absent error) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return absent
	}
	return classify(ctx, err)
}

// An unsentError is the error of a write that certainly had no effect, because the statement or the COMMIT was not
// sent. Another attempt may succeed.
type unsentError struct{ err error }

func (e *unsentError) Error() string { return e.err.Error() }
func (e *unsentError) Unwrap() error { return e.err }

// settled reports whether a statement that returned err certainly had no effect.
func settled(err error) bool {
	if !unavailable(err) {
		return true // the database rejected it
	}
	if _, ok := errors.AsType[*unsentError](err); ok {
		return true
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok {
		return dial.Op == "dial"
	}
	if errors.Is(err, driver.ErrBadConn) {
		return true // drivers must not return it after they have sent a statement
	}
	if _, ok := errors.AsType[sqlite3.ErrorCode](err); ok {
		return true // SQLite runs in this process and rolls back a statement that fails
	}
	switch number(err) {
	case 0, // not an error from the server
		1053, 1317, 1927, 1969, 3024: // terminated from outside, perhaps during the commit
		return false
	}
	return true
}

// interrupted reports whether err may be the result of a statement whose context ended.
func interrupted(err error) bool {
	return errors.Is(err, sqlite3.INTERRUPT) || errors.Is(err, sql.ErrTxDone) || lost(err)
}

// unavailable reports whether err means that the database is unreachable or overloaded, so that the same call may
// succeed later.
func unavailable(err error) bool {
	return lost(err) || refused(err) || errors.Is(err, context.DeadlineExceeded)
}

// lost reports whether err means that a connection broke or could not be made.
func lost(err error) bool {
	for _, e := range []error{
		driver.ErrBadConn, sql.ErrConnDone, mysql.ErrInvalidConn, mysql.ErrMalformPkt, mysql.ErrPktSync,
		mysql.ErrPktSyncMul, mysql.ErrBusyBuffer, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	// Not net.Error: a missing file is one too.
	_, operation := errors.AsType[*net.OpError](err)
	_, name := errors.AsType[*net.DNSError](err)
	return operation || name
}

// refused reports whether the database answered that it cannot do what was asked at the moment.
func refused(err error) bool {
	for _, e := range []error{
		sqlite3.BUSY, sqlite3.LOCKED, sqlite3.PROTOCOL, sqlite3.FULL, sqlite3.IOERR, sqlite3.NOMEM,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	switch number(err) {
	case 1021, 1114, // the disk or the table is full
		1037, 1041, 1135, // out of memory, or of threads
		1040, 1203, 1226, // too many connections, or too much done, by all or by one user
		1129,       // too many errors: the host is blocked
		1047, 1053, // a cluster's node that is not ready; shutting down
		1152, 1158, 1159, 1160, 1161, 1184, 4031, // the connection was aborted
		lockWait, deadlock, // waited too long for a lock; deadlock
		1290, 1792, 1836, // read-only: a replica, or a primary that is about to change
		1317, 1927, 1969, 3024: // the statement or its connection was killed, or took too long
		return true
	}
	return false
}

// number returns the number of an error from a MySQL server, 0 for any other error.
func number(err error) uint16 {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return e.Number
	}
	return 0
}
