package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/go-json-experiment/json"

	"registrar/bench/baresqlite"
	"registrar/bench/load"
)

// The names of the targets in the tables.
const (
	singleRow      = "single-row"
	multiRow       = "multi-row"
	multiRowSQL    = "multi-row-sql"
	multiRowSQLite = "multi-row-sqlite"
	nowhere        = "nowhere"
	plain          = "registrar"
	withC          = "registrar, C"
	bare           = "bare SQLite"
	lookUp         = "look-up"
	lookUpSQLite   = "look-up-sqlite"
	bareCallers    = 16
	mostConnection = 64
)

// mariadbSection compares throughput and latency with the servers of package baseline, on MariaDB.
func mariadbSection(ctx context.Context, h *harness) ([]Row, error) {
	c, err := h.cScript()
	if err != nil {
		return nil, err
	}
	targets := []target{h.baseline(singleRow), h.baseline(multiRow), h.baseline(multiRowSQL),
		h.registrar(plain, nil, h.onMariaDB), h.registrar(withC, c, h.onMariaDB)}
	err = h.rounds(ctx, "mariadb", targets, []int{1, 16, mostConnection})
	row := func(name string, goal *Goal, a, b string, connections int, of func(Sample) float64) Row {
		return newRow("mariadb", name, "", goal, paired(h.samples, "mariadb", a, b, connections, of, ratio))
	}
	return []Row{
		row("rate, 64 connections: registrar, C ÷ multi-row", atLeast(0.92), withC, multiRow, 64, rate),
		row("rate, 64 connections: registrar, C ÷ single-row", atLeast(1.3), withC, singleRow, 64, rate),
		row("p50, 1 connection: registrar, C ÷ single-row", atMost(1.2), withC, singleRow, 1, p50),
		row("rate, 64 connections: registrar ÷ multi-row", nil, plain, multiRow, 64, rate),
		row("rate, 64 connections: registrar, C ÷ multi-row without GORM", nil, withC, multiRowSQL, 64, rate),
		row("rate, 64 connections: registrar ÷ single-row", nil, plain, singleRow, 64, rate),
		row("p50, 1 connection: registrar ÷ single-row", nil, plain, singleRow, 1, p50),
		row("rate, 16 connections: registrar, C ÷ multi-row", nil, withC, multiRow, 16, rate),
	}, err
}

// sqliteSection compares throughput on SQLite with that of a server without an engine, and of the driver.
func sqliteSection(ctx context.Context, h *harness) ([]Row, error) {
	c, err := h.cScript()
	if err != nil {
		return nil, err
	}
	servers := []target{h.registrar(plain, nil, onSQLite), h.registrar(withC, c, onSQLite),
		h.baselineOn(multiRowSQLite, inFile), h.baselineOn(nowhere, inFile)}
	template, err := h.template(ctx, servers[1])
	if err != nil {
		return nil, err
	}
	for round := range h.Rounds {
		// No server is running during the inserts.
		inserts := func() error { return h.insert(ctx, template, round) }
		drive := func() error { return h.round(ctx, "sqlite", servers, []int{bareCallers, mostConnection}, round) }
		first, second := inserts, drive
		if round%2 == 1 {
			first, second = drive, inserts
		}
		if err := first(); err != nil {
			return nil, err
		}
		if err := second(); err != nil {
			return nil, err
		}
	}
	share := func(a, b, name string, connections int, goal *Goal) Row {
		return newRow("sqlite", fmt.Sprintf("rate, SQLite, %d connections: %s ÷ %s", connections, a, name), "", goal,
			paired(h.samples, "sqlite", a, b, connections, rate, ratio))
	}
	const inserts = "bare multi-row inserts"
	return []Row{
		share(plain, multiRowSQLite, multiRowSQLite, 16, atLeast(0.82)),
		share(plain, multiRowSQLite, multiRowSQLite, 64, atLeast(0.92)),
		share(withC, multiRowSQLite, multiRowSQLite, 16, atLeast(0.68)),
		share(withC, multiRowSQLite, multiRowSQLite, 64, atLeast(0.75)),
		share(withC, bare, inserts, 16, nil), share(plain, bare, inserts, 16, nil),
		share(multiRowSQLite, bare, inserts, 16, nil), share(nowhere, bare, inserts, 16, nil),
	}, nil
}

// template returns the file of a database with the clients of a short load.
func (h *harness) template(ctx context.Context, t target) (file string, err error) {
	s, err := t.start(ctx)
	if err != nil {
		return "", err
	}
	file = filepath.Join(h.folder, strconv.Itoa(h.made), "registrar.db")
	_, err = load.Run(ctx, load.Target{Name: t.name, URL: s[0].URL + "/register"}, 1, h.duration()/10)
	return file, errors.Join(err, s.stop())
}

// migrate creates registrar's tables. database is the value of --database.
func (h *harness) migrate(ctx context.Context, database string) error {
	if out, err := exec.CommandContext(ctx, h.program, "migrate", "--database="+database).CombinedOutput(); err != nil {
		return fmt.Errorf("creating a database: %w\n%s", err, out)
	}
	return nil
}

// insert runs a process that inserts rows into an empty database, and keeps the sample.
func (h *harness) insert(ctx context.Context, template string, round int) error {
	folder, err := h.scratch()
	if err != nil {
		return err
	}
	file := filepath.Join(folder, "registrar.db")
	if err := h.migrate(ctx, "sqlite:"+file); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, h.self, "bare-sqlite", file, template, strconv.Itoa(bareCallers),
		h.duration().String())
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	var r baresqlite.Result
	if err := json.Unmarshal(out, &r); err != nil {
		return err
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	h.keep(Sample{Section: "sqlite", Round: round + 1, Target: bare, Connections: bareCallers, Requests: r.Rows,
		Rate: float64(r.Rows) / r.Seconds, ServerCPU: microseconds(cpu) / float64(r.All)})
	return nil
}
