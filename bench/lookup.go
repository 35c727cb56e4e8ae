package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"registrar/bench/baresqlite"
	"registrar/bench/fill"
	"registrar/bench/load"
)

// The databases that are filled, by the names in the tables.
const (
	onMariaDBName = "MariaDB"
	onSQLiteName  = "SQLite"
)

// A filled is a database of registrar with many clients. Sections share it; they add clients, and change some.
type filled struct {
	name    string        // onMariaDBName or onSQLiteName
	url     string        // value of --database
	dsn     string        // of a server of package baseline, of the kind minimal
	minimal string        // lookUp or lookUpSQLite
	clients []load.Client // in an order that is not that of the table
	db      *sql.DB
}

// filled returns the database of that name, with 100,000 clients.
func (h *harness) filled(ctx context.Context, name string) (*filled, error) {
	if f := h.tables[name]; f != nil {
		return f, nil
	}
	count := 100_000
	if h.Short {
		count = 4000
	}
	f := &filled{name: name}
	if err := f.create(ctx, h); err != nil {
		return nil, fmt.Errorf("a database with clients: %w", err)
	}
	h.tables[name] = f
	if err := fill.Clients(ctx, f.db, fill.UUIDv7, 0, count, h.log); err != nil {
		return nil, err
	}
	f.clients = fill.Made(fill.UUIDv7, count)
	rand.New(rand.NewPCG(1, 2)).Shuffle(count, func(i, j int) {
		f.clients[i], f.clients[j] = f.clients[j], f.clients[i]
	})
	return f, nil
}

// create creates the database with its tables, and opens it.
func (f *filled) create(ctx context.Context, h *harness) (err error) {
	if f.name == onMariaDBName {
		if f.dsn, err = h.mariadb.Create(ctx, "filled"); err != nil {
			return err
		}
		f.url, f.minimal = "mysql:"+f.dsn, lookUp
		if err = h.migrate(ctx, f.url); err != nil {
			return err
		}
		f.db, err = sql.Open("mysql", f.dsn)
		return err
	}
	folder, err := h.scratch()
	if err != nil {
		return err
	}
	f.dsn = filepath.Join(folder, "registrar.db")
	f.url, f.minimal = "sqlite:"+f.dsn, lookUpSQLite
	if err = h.migrate(ctx, f.url); err != nil {
		return err
	}
	f.db, err = baresqlite.Open(f.dsn)
	return err
}

// withSecrets returns the clients that have a secret.
func (f *filled) withSecrets() (clients []load.Client) {
	for _, c := range f.clients {
		if c.Secret != "" {
			clients = append(clients, c)
		}
	}
	return clients
}

// seen sets when all clients were seen last; nil means never.
func (f *filled) seen(ctx context.Context, at *time.Time) error {
	_, err := f.db.ExecContext(ctx, "UPDATE clients SET seen_at = ?", at)
	return err
}

// onFilled runs f for each round on both databases, with registrar on the database. The server ends with the round.
func (h *harness) onFilled(
	ctx context.Context, section string, f func(on *filled, registrar server, round int) error,
) error {
	one := func(name string, round int) (err error) {
		on, err := h.filled(ctx, name)
		if err != nil {
			return err
		}
		folder, err := h.scratch()
		if err != nil {
			return err
		}
		p, err := h.serve(ctx, h.program, folder, on.url, nil)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, p.Stop()) }()
		return f(on, server{p}, round)
	}
	for round := range h.Rounds {
		for _, name := range []string{onMariaDBName, onSQLiteName} {
			if err := one(name, round); err != nil {
				return fmt.Errorf("%s on %s, round %d: %w", section, name, round+1, err)
			}
		}
	}
	return nil
}

// openRate is the rate of the open loop, in requests per second over all connections.
const openRate = 2000

// The loads of look-ups, by the names of the targets in the tables; the server follows.
const (
	closedLoop = "look-up: "
	openLoop   = "look-up, 2,000/s: "
	minimalOne = "one SELECT"
)

// lookupSection compares looking up a client with a server that selects one row, and measures latencies.
func lookupSection(ctx context.Context, h *harness) ([]Row, error) {
	err := h.onFilled(ctx, "lookup", func(on *filled, registrar server, round int) (err error) {
		folder, err := h.scratch()
		if err != nil {
			return err
		}
		minimal, err := h.startBaseline(ctx, folder, on.minimal, on.dsn)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, minimal.stop()) }()
		if err := h.calm(ctx); err != nil {
			return err
		}
		return h.lookUps(ctx, on, registrar, minimal, round)
	})
	return lookupRows(h.samples), err
}

// lookUps loads both servers in turn, over 64 connections and one, and over 64 at a given rate.
func (h *harness) lookUps(ctx context.Context, on *filled, registrar, minimal server, round int) error {
	calls := load.LookUps(on.clients, registrar[0].Token)
	subjects := []struct {
		name string
		server
		to load.Target
	}{
		{plain, registrar, load.Target{URL: registrar[0].AdminURL, Calls: calls}},
		{minimalOne, minimal, load.Target{URL: minimal[0].URL, Calls: calls}},
	}
	for turn, loop := range []struct {
		name        string
		connections int
		rate        float64
	}{{closedLoop, mostConnection, 0}, {closedLoop, 1, 0}, {openLoop, mostConnection, openRate}} {
		for i := range subjects {
			s := subjects[(i+turn+round)%len(subjects)]
			s.to.Rate = loop.rate
			if err := h.drive(ctx, Sample{Section: "lookup on " + on.name, Round: round + 1, Target: loop.name + s.name,
				Connections: loop.connections}, s.server, s.to); err != nil {
				return err
			}
		}
	}
	return nil
}

func lookupRows(samples []Sample) (rows []Row) {
	for _, database := range []string{onMariaDBName, onSQLiteName} {
		section := "lookup on " + database
		milliseconds := func(target string, connections int) (values []float64) {
			return series(samples, section, target, connections, func(s Sample) float64 { return s.P99 / 1000 })
		}
		rows = append(rows,
			newRow("lookup", "look-up, "+database+", 64 connections: rate of registrar ÷ one SELECT by Echo and GORM", "",
				atLeast(0.95), paired(samples, section, closedLoop+plain, closedLoop+minimalOne, mostConnection, rate, ratio)),
			newRow("lookup", "look-up, "+database+", 1 connection: p99", "ms", atMost(1),
				milliseconds(closedLoop+plain, 1)),
			newRow("lookup", "look-up, "+database+", 2,000/s over 64 connections: p99", "ms", atMost(5),
				milliseconds(openLoop+plain, mostConnection)),
			newRow("lookup", "look-up, "+database+", 1 connection: p99 of one SELECT", "ms", nil,
				milliseconds(closedLoop+minimalOne, 1)),
			newRow("lookup", "look-up, "+database+", 2,000/s over 64 connections: p99 of one SELECT", "ms", nil,
				milliseconds(openLoop+minimalOne, mostConnection)))
	}
	return rows
}

// The loads of verifications, by the names of the targets in the tables.
const (
	verifySeen   = "verify-secret, seen before"
	verifyUnseen = "verify-secret, not seen"
)

// verifySection compares verifying the secrets of clients that were not seen lately, each once, with that of clients
// that were.
func verifySection(ctx context.Context, h *harness) ([]Row, error) {
	err := h.onFilled(ctx, "verify", func(on *filled, registrar server, round int) error {
		clients := on.withSecrets()
		for i := range 2 {
			name, at := verifyUnseen, (*time.Time)(nil)
			if (i+round)%2 == 0 {
				now := time.Now().UTC()
				name, at = verifySeen, &now
			}
			// What the server may still have to write of the load before must not follow the change.
			if err := errors.Join(h.calm(ctx), on.seen(ctx, at), h.calm(ctx)); err != nil {
				return err
			}
			to := load.Target{URL: registrar[0].AdminURL,
				Calls: load.Verifications(clients, registrar[0].Token, name == verifyUnseen)}
			if err := h.drive(ctx, Sample{Section: "verify on " + on.name, Round: round + 1, Target: name,
				Connections: mostConnection}, registrar, to); err != nil {
				return err
			}
		}
		return nil
	})
	var rows []Row
	for _, database := range []string{onMariaDBName, onSQLiteName} {
		rows = append(rows, newRow("verify", "verify-secret, "+database+", 64 connections: rate for a client not seen "+
			"lately ÷ one that was", "", atLeast(0.8), paired(h.samples, "verify on "+database, verifyUnseen, verifySeen,
			mostConnection, rate, ratio)))
	}
	return rows, err
}

// The loads of updates, by the names of the targets in the tables.
const (
	updating    = "update"
	registering = "registration"
)

// updateSection compares replacing the metadata of clients with registering clients, in the same table.
func updateSection(ctx context.Context, h *harness) ([]Row, error) {
	err := h.onFilled(ctx, "update", func(on *filled, registrar server, round int) error {
		if err := h.calm(ctx); err != nil {
			return err
		}
		// Their method of authentication is that of the new metadata, so that none gets a new secret.
		loads := []struct {
			name string
			to   load.Target
		}{
			{updating, load.Target{URL: registrar[0].URL, Calls: load.Updates(on.withSecrets())}},
			{registering, load.Target{URL: registrar[0].URL + "/register"}},
		}
		for i := range loads {
			l := loads[(i+round)%len(loads)]
			if err := h.drive(ctx, Sample{Section: "update on " + on.name, Round: round + 1, Target: l.name,
				Connections: mostConnection}, registrar, l.to); err != nil {
				return err
			}
		}
		return nil
	})
	of := func(database string) []float64 {
		return paired(h.samples, "update on "+database, updating, registering, mostConnection, rate, ratio)
	}
	return []Row{
		newRow("update", "update (PUT), MariaDB, 64 connections: rate ÷ registration", "", atLeast(0.6),
			of(onMariaDBName)),
		newRow("update", "update (PUT), SQLite, 64 connections: rate ÷ registration", "", nil, of(onSQLiteName)),
	}, err
}
