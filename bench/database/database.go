// Package database starts the private, durable MariaDB or MySQL servers of the measurements.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	_ "github.com/go-sql-driver/mysql" // the driver

	"registrar/bench/process"
	"registrar/store/storetest/mariadb"
)

// Config configures a server.
type Config struct {
	Kind       mariadb.Kind // "" means MariaDB
	Folder     string       // parent of the server's folder; "" means [Disk]
	BufferPool int          // MiB; 0 means 1024
	Args       []string
}

// A MariaDB is a running server, MariaDB or MySQL. It flushes each commit to disk (innodb_flush_log_at_trx_commit=1)
// and has no binary log. It ends with this process.
type MariaDB struct {
	server *mariadb.Server
	db     *sql.DB
	made   atomic.Int64 // databases
}

// Start starts a server.
func Start(ctx context.Context, c Config) (*MariaDB, error) {
	if c.Folder == "" {
		folder, err := Disk()
		if err != nil {
			return nil, err
		}
		c.Folder = folder
	}
	if c.BufferPool == 0 {
		c.BufferPool = 1024
	}
	// With a large log no measurement waits for a checkpoint.
	log := "--innodb-log-file-size=512M"
	if c.Kind == mariadb.MySQL {
		log = "--innodb-redo-log-capacity=512M"
	}
	args := append([]string{log, "--max-connections=500"}, c.Args...)
	server, err := mariadb.New(mariadb.Config{Kind: c.Kind, Folder: c.Folder, BufferPool: c.BufferPool, Args: args})
	if err != nil {
		return nil, err
	}
	m := &MariaDB{server: server}
	if err := server.Start(); err != nil {
		return nil, errors.Join(err, server.Close())
	}
	if m.db, err = sql.Open("mysql", server.DSN("")); err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return m, errors.Join(m.db.PingContext(ctx))
}

// Disk returns a folder on a disk: that for temporary files or, if that is in memory, /var/tmp or the working
// directory.
func Disk() (string, error) {
	for _, folder := range []string{os.TempDir(), "/var/tmp", "."} {
		if memory, err := inMemory(folder); err == nil && !memory {
			return folder, nil
		}
	}
	return "", errors.New("no folder for temporary files on a disk: set TMPDIR")
}

// Fresh creates a database and returns its DSN for github.com/go-sql-driver/mysql.
func (m *MariaDB) Fresh(ctx context.Context) (dsn string, err error) {
	return m.Create(ctx, fmt.Sprintf("bench_%d", m.made.Add(1)))
}

// Create is like Fresh, with a name for the database, which Drop then leaves.
func (m *MariaDB) Create(ctx context.Context, name string) (dsn string, err error) {
	if _, err := m.db.ExecContext(ctx,
		"CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
		return "", fmt.Errorf("creating database %s: %w", name, err)
	}
	return m.server.DSN(name), nil
}

// Drop drops all databases that Fresh created.
func (m *MariaDB) Drop(ctx context.Context) error {
	for n := range m.made.Load() {
		if _, err := m.db.ExecContext(ctx, fmt.Sprintf("DROP DATABASE IF EXISTS bench_%d", n+1)); err != nil {
			return fmt.Errorf("dropping a database: %w", err)
		}
	}
	return nil
}

// Version returns the version of the server, such as 10.11.6-MariaDB.
func (m *MariaDB) Version(ctx context.Context) (version string, err error) {
	err = m.db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version)
	return version, err
}

// Usage returns the resource usage of the server's process.
func (m *MariaDB) Usage() (process.Usage, error) { return process.UsageOf(m.server.PID()) }

// Close stops the server and removes its files.
func (m *MariaDB) Close() error { return errors.Join(m.db.Close(), m.server.Close()) }
