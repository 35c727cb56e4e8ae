// Package database starts the MariaDB server that everything is measured with: private, on a real disk, durable.
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

// Config is how a server runs.
type Config struct {
	Folder     string // where its own folder is made; "" means [Disk]
	BufferPool int    // in MiB; 0 means 1024
	Args       []string
}

// A MariaDB is a running server. It flushes each commit to the disk (innodb_flush_log_at_trx_commit=1) and keeps no
// binary log. It ends with this process.
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
	// A log that is large enough that no measurement has to wait for a checkpoint.
	args := append([]string{"--innodb-log-file-size=512M", "--max-connections=500"}, c.Args...)
	server, err := mariadb.New(mariadb.Config{Folder: c.Folder, BufferPool: c.BufferPool, Args: args})
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

// Disk returns a folder for files that have to be on a disk: of temporary files or, where that is in memory, /var/tmp.
func Disk() (string, error) {
	for _, folder := range []string{os.TempDir(), "/var/tmp", "."} {
		if memory, err := inMemory(folder); err == nil && !memory {
			return folder, nil
		}
	}
	return "", errors.New("no folder of temporary files is on a disk: set TMPDIR to one that is")
}

// Fresh makes a database and returns its DSN, as github.com/go-sql-driver/mysql reads it.
func (m *MariaDB) Fresh(ctx context.Context) (dsn string, err error) {
	name := fmt.Sprintf("bench_%d", m.made.Add(1))
	if _, err := m.db.ExecContext(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
		return "", fmt.Errorf("making the database %s: %w", name, err)
	}
	return m.server.DSN(name), nil
}

// Drop drops every database that was made.
func (m *MariaDB) Drop(ctx context.Context) error {
	for n := range m.made.Load() {
		if _, err := m.db.ExecContext(ctx, fmt.Sprintf("DROP DATABASE IF EXISTS bench_%d", n+1)); err != nil {
			return fmt.Errorf("dropping a database: %w", err)
		}
	}
	return nil
}

// Version returns what the server calls itself, such as 10.11.6-MariaDB.
func (m *MariaDB) Version(ctx context.Context) (version string, err error) {
	err = m.db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version)
	return version, err
}

// Usage tells what the server's process has taken so far.
func (m *MariaDB) Usage() (process.Usage, error) { return process.UsageOf(m.server.PID()) }

// Close ends the server and removes what it left on the disk.
func (m *MariaDB) Close() error { return errors.Join(m.db.Close(), m.server.Close()) }
