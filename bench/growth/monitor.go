package growth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver

	"registrar/bench/database"
)

// A monitor reads MariaDB's counters.
type monitor struct{ db *sql.DB }

func newMonitor(ctx context.Context, m *database.MariaDB) (*monitor, error) {
	dsn, err := m.Fresh(ctx)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("mysql", dsn)
	return &monitor{db}, err
}

func (m *monitor) close() error { return m.db.Close() }

type pages struct{ read, wrote, dirty int64 }

func (m *monitor) pages(ctx context.Context) (p pages, err error) {
	const query = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Innodb_pages_read', 'Innodb_pages_written', " +
		"'Innodb_buffer_pool_pages_dirty')"
	rows, err := m.db.QueryContext(ctx, query)
	if err != nil {
		return p, err
	}
	defer rows.Close()
	of := map[string]*int64{"Innodb_pages_read": &p.read, "Innodb_pages_written": &p.wrote,
		"Innodb_buffer_pool_pages_dirty": &p.dirty}
	for rows.Next() {
		var name string
		var value int64
		if err := rows.Scan(&name, &value); err != nil {
			return p, err
		}
		if to := of[name]; to != nil {
			*to = value
			delete(of, name)
		}
	}
	if len(of) > 0 {
		return p, errors.Join(errors.New("the database does not count pages"), rows.Err())
	}
	return p, rows.Err()
}

const (
	settled  = 500 // dirty pages that may be left
	patience = 5 * time.Minute
)

// hasty are settings that make MariaDB write pages as fast as it can.
var hasty = []struct{ name, value string }{
	{"innodb_io_capacity_max", "40000"}, {"innodb_io_capacity", "20000"}, {"innodb_max_dirty_pages_pct", "0"},
}

// settle makes MariaDB write its dirty pages as fast as it can, and returns when it has.
func (m *monitor) settle(ctx context.Context) (err error) {
	for _, s := range hasty {
		var before string
		if err := m.db.QueryRowContext(ctx, "SELECT @@GLOBAL."+s.name).Scan(&before); err != nil {
			return err
		}
		if _, err := m.db.ExecContext(ctx, "SET GLOBAL "+s.name+" = "+s.value); err != nil {
			return err
		}
		// Deferred calls run in reverse, so that a capacity is never above its maximum.
		defer func() {
			_, restored := m.db.ExecContext(context.WithoutCancel(ctx), "SET GLOBAL "+s.name+" = "+before)
			err = errors.Join(err, restored)
		}()
	}
	return m.await(ctx)
}

func (m *monitor) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		p, err := m.pages(ctx)
		if err != nil || p.dirty <= settled {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("MariaDB still has %d dirty pages: %w", p.dirty, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
