package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/go-sql-driver/mysql"
)

// A setting is a session variable that each connection to a MySQL server sets, after those of the DSN.
type setting struct {
	name, value string
	why         string // what is not so without it
}

// neededSettings are those without which this package would store something else than it is given. A server that
// refuses one cannot be used.
var neededSettings = []setting{
	{"sql_mode", "'TRADITIONAL'", "a value that does not fit is an error, not truncated"},
	{"autocommit", "1", "a statement is durable when it is answered"},
}

// preferredSettings are those with which a server serves better. One that is refused is warned of, once.
var preferredSettings = []setting{
	// Stored times have no zone; those of goose's table do.
	{"time_zone", "'+00:00'", "the times of migrations are in UTC"},
	// In seconds. Transactions of this package take milliseconds, and requests have deadlines.
	{"innodb_lock_wait_timeout", "5", "a lock that another session keeps fails a statement after 5 s, not 50 s"},
	// 1 has reads, and 2 has UPDATE and DELETE, wait until the node has applied what other nodes committed before. 4
	// would have INSERT wait, from which a registration gains nothing. It has no effect in a MariaDB outside of a cluster.
	{syncWait, "3", "a node of a Galera cluster shows what was written on another"},
}

// syncWait is the variable that a Galera cluster has. Databases without it are no cluster, so that none needs it.
const syncWait = "wsrep_sync_wait"

// set returns the statement that sets variables.
func set(settings ...setting) string {
	assignments := make([]string, len(settings))
	for i, s := range settings {
		assignments[i] = s.name + " = " + s.value
	}
	return "SET " + strings.Join(assignments, ", ")
}

// A settingConnector makes connections that have the settings of this package.
type settingConnector struct {
	driver.Connector
	preferred []setting
	complain  *complaints
}

// newSettingConnector returns the connector for a configuration.
func newSettingConnector(cfg *mysql.Config, complain *complaints) (driver.Connector, error) {
	inner, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	preferred := preferredSettings
	for name := range cfg.Params {
		if strings.EqualFold(name, syncWait) { // the operator chose
			preferred = slices.DeleteFunc(slices.Clone(preferred), func(s setting) bool { return s.name == syncWait })
		}
	}
	return &settingConnector{inner, preferred, complain}, nil
}

// Connect implements [driver.Connector].
func (c *settingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.apply(ctx, conn.(driver.ExecerContext)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// apply sets the variables of a new connection.
func (c *settingConnector) apply(ctx context.Context, conn driver.ExecerContext) error {
	if _, err := conn.ExecContext(ctx, set(neededSettings...), nil); err != nil {
		if !rejected(err) {
			return err
		}
		var why []string
		for _, s := range neededSettings {
			why = append(why, s.name+" so that "+s.why)
		}
		return fmt.Errorf("the database refuses %s, which registrar needs, %s: %w", set(neededSettings...),
			strings.Join(why, ", "), err)
	}
	for _, s := range c.preferred {
		_, err := conn.ExecContext(ctx, set(s), nil)
		switch {
		case err == nil, s.name == syncWait && number(err) == unknownVariable:
		case rejected(err):
			c.complain.about(ctx, s.name, "the database refuses a setting, and is used without it", "setting", set(s),
				"without_it_not_so", s.why, "error", err)
		default:
			return err
		}
	}
	return nil
}

// rejected reports whether the database has answered that it does not do what was asked, now or later.
func rejected(err error) bool { return number(err) != 0 && !unavailable(err) }

// complaints log what is wrong with a database, each cause once, not once for each connection.
type complaints struct {
	log  *slog.Logger
	made sync.Map // causes
}

func (c *complaints) about(ctx context.Context, cause, message string, args ...any) {
	if _, made := c.made.LoadOrStore(cause, true); !made {
		c.log.WarnContext(ctx, message, args...)
	}
}

// variable returns a variable of the server. ok is false, and a warning says so, if the server does not tell it.
func (c *complaints) variable(ctx context.Context, db *sql.DB, name string) (value int64, ok bool, err error) {
	err = db.QueryRowContext(ctx, "SELECT @@"+name).Scan(&value)
	if rejected(err) {
		c.about(ctx, name, "the database does not tell a setting, which is not checked", "setting", name, "error", err)
		return 0, false, nil
	}
	return value, err == nil, err
}
