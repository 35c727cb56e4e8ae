package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
)

const (
	mysqlConnections = 32
	mysqlDial        = 5 * time.Second
	mysqlReadWrite   = 30 * time.Second // the longest silence in the middle of a statement
	mysqlLifetime    = 5 * time.Minute  // after that a connection is made anew, so that a failover is followed
	mysqlLock        = 60 * time.Second // the longest wait for another process that migrates
	mysqlPacket      = 16 << 20         // bytes, the least that max_allowed_packet should be
)

var errDSN = errors.New("the DSN after mysql: is not understood; it looks like user:password@tcp(db:3306)/registrar or " +
	"user:password@unix(/run/mysqld/mysqld.sock)/registrar, and values of its parameters are escaped as in a URL")

// validDatabase matches names of databases, and hardly ever a part of a malformed DSN, which may be one of a password.
var validDatabase = regexp.MustCompile(`^[^\x00-\x20@:/()?#]{1,64}$`)

// mysqlServer returns the backend of the MySQL or MariaDB database at dsn.
func mysqlServer(dsn string, connections int, log *slog.Logger) (*backend, error) {
	cfg, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	setDefaults(cfg, log)
	m := &mysqlDatabase{cfg: cfg, connections: cmp.Or(max(connections, 0), mysqlConnections), log: log}
	return &backend{
		name:        fmt.Sprintf("mysql:%s@%s(%s)/%s", cfg.User, cfg.Net, cfg.Addr, cfg.DBName),
		dialect:     goose.DialectMySQL,
		isolation:   sql.LevelRepeatableRead,
		writers:     m.connections,
		log:         log,
		open:        m.open,
		migrating:   m.migrating,
		exclusively: m.exclusively,
		dialector: func(pool gorm.ConnPool) gorm.Dialector {
			return gormmysql.New(gormmysql.Config{Conn: pool, SkipInitializeWithVersion: true, DisableWithReturning: true})
		},
	}, nil
}

// parseDSN parses a DSN. Its error does not say what is wrong: it would have to quote a part that may be a password.
func parseDSN(dsn string) (cfg *mysql.Config, err error) {
	defer func() {
		if recover() != nil { // the parameter strict, long gone, panics
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

// setDefaults sets what this package relies on, whatever the DSN, the server and the database say.
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
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	cfg.Params["time_zone"] = "'+00:00'"
	cfg.Params["sql_mode"] = "'TRADITIONAL'" // strict: what does not fit is an error, not cut
	cfg.Params["autocommit"] = "1"
	cfg.Params["innodb_lock_wait_timeout"] = "5" // seconds: a transaction of ours takes milliseconds, or is stuck
}

// driverLog logs the driver's complaints, which are about connections; they hold no statements.
type driverLog struct{ log *slog.Logger }

// Print implements [mysql.Logger].
func (l driverLog) Print(v ...any) {
	l.log.Debug("the MySQL driver complains", "complaint", fmt.Sprint(v...))
}

type mysqlDatabase struct {
	cfg         *mysql.Config
	connections int
	log         *slog.Logger
}

func (m *mysqlDatabase) open(ctx context.Context) ([]*preparedPool, error) {
	db, err := m.pool(ctx, m.cfg, m.connections)
	if err != nil {
		return nil, err
	}
	var flush, packet int64
	err = db.QueryRowContext(ctx, "SELECT @@innodb_flush_log_at_trx_commit, @@max_allowed_packet").Scan(&flush, &packet)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if flush != 1 {
		m.log.WarnContext(ctx, "the database does not flush each commit: when it crashes, acknowledged clients are lost",
			"innodb_flush_log_at_trx_commit", flush)
	}
	if packet < mysqlPacket {
		m.log.WarnContext(ctx, "the database does not take large modules", "max_allowed_packet", packet)
	}
	return []*preparedPool{newPreparedPool(db)}, nil
}

// migrating returns a pool of two connections: one that holds the lock, and one that works.
func (m *mysqlDatabase) migrating(ctx context.Context) (*sql.DB, error) {
	cfg := m.cfg.Clone()
	cfg.ReadTimeout, cfg.WriteTimeout = 0, 0 // to alter a large table takes its time
	return m.pool(ctx, cfg, 2)
}

func (m *mysqlDatabase) pool(ctx context.Context, cfg *mysql.Config, size int) (*sql.DB, error) {
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, errDSN
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxLifetime(mysqlLifetime)
	if err := db.PingContext(ctx); err != nil {
		if number(err) == unknownDatabase {
			err = fmt.Errorf("%w; make it first: CREATE DATABASE %s", err, cfg.DBName)
		}
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// exclusively runs f under a lock of the server's, which ends with the connection that holds it.
func (m *mysqlDatabase) exclusively(ctx context.Context, db *sql.DB, f func() error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// Names of locks are the server's, not the database's, and 64 characters at most.
	sum := sha256.Sum256([]byte(m.cfg.DBName))
	name := "registrar-migrate-" + hex.EncodeToString(sum[:16])
	var got sql.Null[int64]
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, ?)", name, mysqlLock.Seconds()).Scan(&got); err != nil {
		return err
	}
	if got.V != 1 {
		return fmt.Errorf("another process has been migrating for %v", mysqlLock)
	}
	err = f()
	_, release := conn.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK(?)", name)
	return errors.Join(err, release)
}
