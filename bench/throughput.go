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
	withAssembly   = "registrar, AssemblyScript"
	withGo         = "registrar, Go"
	bare           = "bare SQLite"
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
		row("rate, 64 connections: registrar, C ÷ multi-row", atLeast(0.85), withC, multiRow, 64, rate),
		row("rate, 64 connections: registrar, C ÷ single-row", atLeast(1.3), withC, singleRow, 64, rate),
		row("p50, 1 connection: registrar, C ÷ single-row", atMost(1.15), withC, singleRow, 1, p50),
		row("rate, 64 connections: registrar ÷ multi-row", nil, plain, multiRow, 64, rate),
		row("rate, 64 connections: registrar, C ÷ multi-row without GORM", nil, withC, multiRowSQL, 64, rate),
		row("rate, 64 connections: registrar ÷ single-row", nil, plain, singleRow, 64, rate),
		row("p50, 1 connection: registrar ÷ single-row", nil, plain, singleRow, 1, p50),
		row("rate, 16 connections: registrar, C ÷ multi-row", nil, withC, multiRow, 16, rate),
	}, err
}

// scriptSection measures the processor time of scripts in each language.
func scriptSection(ctx context.Context, h *harness) ([]Row, error) {
	c, err := h.cScript()
	if err != nil {
		return nil, err
	}
	assembly, err := h.fixture("id-and-secret")
	if err != nil {
		return nil, err
	}
	standardGo, err := h.goScript(ctx)
	if err != nil {
		return nil, err
	}
	err = h.rounds(ctx, "script", []target{
		h.registrar(plain, nil, h.onMariaDB),
		h.registrar(withC, c, h.onMariaDB),
		h.registrar(withAssembly, assembly, h.onMariaDB),
		h.registrar(withGo, standardGo, h.onMariaDB),
	}, []int{mostConnection})
	cost := func(language, target string, goal *Goal) Row {
		return newRow("script", "CPU of a script in "+language+" ÷ CPU without one, 64 connections", "", goal,
			paired(h.samples, "script", target, plain, mostConnection, serverCPU,
				func(with, without float64) float64 { return with/without - 1 }))
	}
	return []Row{
		cost("C", withC, atMost(0.25)),
		cost("AssemblyScript", withAssembly, atMost(0.25)),
		cost("standard Go", withGo, nil),
	}, err
}

// sqliteSection compares throughput on SQLite with that of the driver.
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
		drive := func() error { return h.round(ctx, "sqlite", servers, []int{bareCallers}, round) }
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
	share := func(target string, goal *Goal) Row {
		return newRow("sqlite", "rate, SQLite, 16 connections: "+target+" ÷ bare multi-row inserts", "", goal,
			paired(h.samples, "sqlite", target, bare, bareCallers, rate, ratio))
	}
	return []Row{share(withC, atLeast(0.7)), share(plain, nil), share(multiRowSQLite, nil), share(nowhere, nil)}, nil
}

// template returns the file of a database with the clients of a short load.
func (h *harness) template(ctx context.Context, t target) (file string, err error) {
	p, err := t.start(ctx)
	if err != nil {
		return "", err
	}
	file = filepath.Join(h.folder, strconv.Itoa(h.made), "registrar.db")
	_, err = load.Run(ctx, load.Target{Name: t.name, URL: p.URL + "/register"}, 1, h.duration()/10)
	return file, errors.Join(err, p.Stop())
}

// insert runs a process that inserts rows into an empty database, and keeps the sample.
func (h *harness) insert(ctx context.Context, template string, round int) error {
	folder, err := h.scratch()
	if err != nil {
		return err
	}
	file := filepath.Join(folder, "registrar.db")
	migrate := exec.CommandContext(ctx, h.program, "migrate", "--database=sqlite:"+file)
	if out, err := migrate.CombinedOutput(); err != nil {
		return fmt.Errorf("creating a database: %w\n%s", err, out)
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
