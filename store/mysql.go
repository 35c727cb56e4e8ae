package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"

	"registrar/internal/guard"
)

const (
	mysqlConnections = 32
	mysqlDial        = 5 * time.Second
	mysqlReadWrite   = 30 * time.Second // bounds a read or write of the connection, within a statement
	mysqlLifetime    = 5 * time.Minute  // of a connection; a new one follows a failover
	mysqlPacket      = 16 << 20         // bytes, the recommended minimum of max_allowed_packet
)

var errDSN = errors.New("the DSN after mysql: is not valid: it must look like " +
	"user:password@tcp(db:3306)/registrar or user:password@unix(/run/mysqld/mysqld.sock)/registrar, " +
	"with the values of parameters escaped as in a URL")

// validDatabase matches names of databases. It rejects what is probably part of a password in a malformed DSN.
var validDatabase = regexp.MustCompile(`^[^\x00-\x20@:/()?#]{1,64}$`)

// mysqlServer returns the backend of the MySQL or MariaDB database at dsn.
func mysqlServer(dsn string, with Config, log *slog.Logger) (*backend, error) {
	cfg, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	setDefaults(cfg, log)
	if err := requireTLS(cfg, with.DatabaseCA); err != nil {
		return nil, err
	}
	m := &mysqlDatabase{
		cfg: cfg, connections: cmp.Or(max(with.Connections, 0), mysqlConnections),
		lease: cmp.Or(with.lease, migrationLease),
		log:   log, guard: with.Guard, lost: &lostConns{log: log}, complain: &complaints{log: log},
	}
	return &backend{
		name:        fmt.Sprintf("mysql:%s@%s(%s)/%s", cfg.User, cfg.Net, cfg.Addr, cfg.DBName),
		dialect:     goose.DialectMySQL,
		isolation:   sql.LevelRepeatableRead,
		writers:     m.connections,
		log:         log,
		lost:        m.lost,
		open:        m.open,
		migrating:   m.migrating,
		beating:     m.beating,
		exclusively: m.exclusively,
		begun:       begunStep,
		dialector: func(pool gorm.ConnPool) gorm.Dialector {
			return gormmysql.New(gormmysql.Config{Conn: pool, SkipInitializeWithVersion: true,
				DisableWithReturning: true})
		},
	}, nil
}

// parseDSN parses a DSN. Its error does not quote the DSN, any part of which may be a password.
func parseDSN(dsn string) (cfg *mysql.Config, err error) {
	defer func() {
		if recover() != nil { // ParseDSN panics for the removed parameter strict
			cfg, err = nil, errDSN
		}
	}()
	cfg, err = mysql.ParseDSN(dsn)
	if err != nil || !validDatabase.MatchString(cfg.DBName) {
		return nil, errDSN
	}
	switch cfg.Net {
	case "tcp", "tcp4", "tcp6", "unix":
		return cfg, nil
	}
	return nil, errDSN
}

// setDefaults sets what this package relies on in the driver. It overrides the DSN. See neededSettings for the
// variables of the server.
func setDefaults(cfg *mysql.Config, log *slog.Logger) {
	cfg.ParseTime = true
	cfg.Loc = time.UTC
	cfg.InterpolateParams = false
	cfg.MultiStatements = false
	cfg.AllowAllFiles = false
	cfg.ClientFoundRows = false
	cfg.CheckConnLiveness = true
	cfg.Logger = driverLog{log}
	cfg.Timeout = cmp.Or(cfg.Timeout, mysqlDial)
	cfg.ReadTimeout = cmp.Or(cfg.ReadTimeout, mysqlReadWrite)
	cfg.WriteTimeout = cmp.Or(cfg.WriteTimeout, mysqlReadWrite)
	// The driver has no field for the character set. Charset always succeeds.
	_ = cfg.Apply(mysql.Charset("utf8mb4", "utf8mb4_bin"))
}

// driverLog logs the driver's messages. They are about connections and hold no statements.
type driverLog struct{ log *slog.Logger }

// Print implements [mysql.Logger].
func (l driverLog) Print(v ...any) {
	l.log.Debug("message of the MySQL driver", "complaint", fmt.Sprint(v...))
}

type mysqlDatabase struct {
	cfg         *mysql.Config
	connections int
	lease       time.Duration // of the lock of migrations
	log         *slog.Logger
	guard       *guard.Guard
	lost        *lostConns
	complain    *complaints
	repeats     atomic.Bool // a migration that was interrupted runs again; see repeatConn
}

func (m *mysqlDatabase) open(ctx context.Context) ([]*preparedPool, error) {
	connector, err := newMySQLConnector(m.cfg, m.lost, m.complain)
	if err != nil {
		return nil, errDSN
	}
	db, err := m.pool(ctx, connector, m.connections)
	if err != nil {
		return nil, err
	}
	if err := m.check(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	pool := newPreparedPool(db)
	pool.direct = true
	return []*preparedPool{pool}, nil
}

// check warns of settings of the server that lose or refuse data.
func (m *mysqlDatabase) check(ctx context.Context, db *sql.DB) error {
	const flushing, packets = "innodb_flush_log_at_trx_commit", "max_allowed_packet"
	flush, known, err := m.complain.variable(ctx, db, flushing)
	if err != nil {
		return err
	}
	if known && flush != 1 {
		m.log.WarnContext(ctx, "the database does not flush each commit: a crash loses acknowledged clients",
			flushing, flush)
	}
	packet, known, err := m.complain.variable(ctx, db, packets)
	if err != nil {
		return err
	}
	if known && packet < mysqlPacket {
		m.log.WarnContext(ctx, "the database does not accept large modules", packets, packet)
	}
	return nil
}

// migrating returns a pool of two connections: one that renews the lock, and one for the migrations.
func (m *mysqlDatabase) migrating(ctx context.Context) (*sql.DB, error) {
	cfg := m.cfg.Clone()
	cfg.ReadTimeout, cfg.WriteTimeout = 0, 0 // altering a large table takes long
	connector, err := newSettingConnector(cfg, m.complain)
	if err != nil {
		return nil, errDSN
	}
	return m.pool(ctx, &repeatConnector{connector, &m.repeats}, 2)
}

func (m *mysqlDatabase) beating() (*sql.DB, error) {
	connector, err := newSettingConnector(m.cfg, m.complain)
	if err != nil {
		return nil, errDSN
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	db.SetConnMaxLifetime(mysqlLifetime)
	return db, nil
}

func (m *mysqlDatabase) pool(ctx context.Context, connector driver.Connector, size int) (*sql.DB, error) {
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxLifetime(mysqlLifetime)
	// A server that accepts connections may not answer.
	connecting, cancel := context.WithTimeout(ctx, m.cfg.Timeout)
	defer cancel()
	if err := db.PingContext(connecting); err != nil {
		if number(err) == unknownDatabase {
			err = fmt.Errorf("%w; create it first: CREATE DATABASE %s", err, m.cfg.DBName)
		}
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
