package store

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
)

// MySQL has no transactions for tables. If a process dies in the middle of a migration, some of its statements have
// taken effect; the last one may even do so later. So the migration is noted before it begins (see migrationLock), and
// runs again from its beginning. Statements then find that what they create exists, or that what they drop does not.

// A repeatConnector makes connections on which a migration that was interrupted can be repeated.
type repeatConnector struct {
	driver.Connector
	repeats *atomic.Bool
}

// Connect implements [driver.Connector].
func (c *repeatConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &repeatConn{conn.(driverConn), c.repeats}, nil
}

// A repeatConn is a connection of the MySQL driver. While repeats is set, a statement without parameters succeeds if
// its effect is there already.
type repeatConn struct {
	driverConn
	repeats *atomic.Bool
}

// ExecContext implements [driver.ExecerContext].
func (c *repeatConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.driverConn.ExecContext(ctx, query, args)
	if err != nil && c.repeats.Load() && len(args) == 0 && alreadyThere(err) {
		return driver.RowsAffected(0), nil
	}
	return result, err
}

// alreadyThere reports whether a statement failed because what it creates exists, or because what it drops does not.
// MySQL takes back a statement that fails, so that none has half its effect.
func alreadyThere(err error) bool {
	switch number(err) {
	case tableExists, unknownDropped, duplicateColumn, duplicateKeyName, duplicateEntry, cannotDrop:
		return true
	}
	return false
}
