// Package lists measures pages of the list of clients, by the filters that operators use, in tables of SQLite and
// MariaDB with many clients: how long a page takes, and in how many rows the server looks for it.
package lists

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"registrar/bench/chart"
	"registrar/bench/database"
	"registrar/bench/fill"
	"registrar/bench/process"
	"registrar/server/adminapi"
)

// bound is how many rows the server looks for a page in; docs/http.md promises it.
const bound = 10_000

// Options configure the measurements. Every field must be set; the flags have defaults.
type Options struct {
	Clients    int `default:"1000000" help:"Clients in each table. Default ${default}."`
	Rounds     int `default:"5" help:"Measurements of each page. Default ${default}."`
	BufferPool int `default:"1024" help:"MariaDB's buffer pool, in MiB. Default ${default}."`
}

// A Report is the result of all measurements.
type Report struct {
	Options Options
	MariaDB string // version
	CPUs    int
	Pages   []Page
}

// A Page is what a page of one filter costs.
type Page struct {
	Filter  string
	Place   string // where in the table it is
	Clients int    // that it has
	Rows    int    // between its first and its last place, in which the server looked for them
	SQLite  float64
	MariaDB float64 // milliseconds, as SQLite: the median
	Read    int     // rows and entries of an index that MariaDB read
}

// Run measures. It needs about 3 GB per million clients in the folder of [database.Disk], and removes its files.
// progress gets lines for people. It is an error if the server looks for a page in more rows than are promised.
func Run(ctx context.Context, o Options, progress io.Writer) (report Report, err error) {
	if o.Rounds < 1 || o.Clients < 1 {
		return Report{}, errors.New("rounds and clients must be above 0")
	}
	disk, err := database.Disk()
	if err != nil {
		return Report{}, err
	}
	folder, err := os.MkdirTemp(disk, "lists-")
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	program, err := process.Build(ctx, folder)
	if err != nil {
		return Report{}, err
	}
	server, err := database.Start(ctx, database.Config{BufferPool: o.BufferPool,
		Args: []string{"--max-allowed-packet=64M"}})
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	report.Options, report.CPUs = o, runtime.NumCPU()
	if report.MariaDB, err = server.Version(ctx); err != nil {
		return Report{}, err
	}
	dsn, err := server.Fresh(ctx)
	if err != nil {
		return Report{}, err
	}
	subjects := []*subject{{name: "SQLite", url: "sqlite:" + filepath.Join(folder, "registrar.db")},
		{name: "MariaDB", url: "mysql:" + dsn}}
	for _, s := range subjects {
		defer func() { err = errors.Join(err, s.close()) }()
		if err := s.start(ctx, program, folder, o.Clients, progress); err != nil {
			return Report{}, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	report.Pages, err = measure(ctx, o, subjects[0], subjects[1], progress)
	return report, err
}

// measure measures both pages of each filter.
func measure(ctx context.Context, o Options, sqlite, mariadb *subject, progress io.Writer) (pages []Page, err error) {
	for _, f := range filters(o.Clients) {
		for _, place := range []struct {
			name  string
			after int // 0 means the first page
		}{{"first", 0}, {"in the middle", o.Clients / 2}} {
			f.query.After = ""
			if place.after > 0 {
				f.query.After = strconv.Itoa(place.after)
			}
			page := Page{Filter: f.name, Place: place.name}
			for _, s := range []*subject{sqlite, mariadb} {
				got, err := s.measure(ctx, f.query, o.Rounds)
				if err != nil {
					return pages, fmt.Errorf("%s, %s, %s: %w", s.name, f.name, place.name, err)
				}
				page.Clients, page.Rows = got.clients, max(page.Rows, got.rows)
				if s == sqlite {
					page.SQLite = got.milliseconds
				} else {
					page.MariaDB, page.Read = got.milliseconds, got.read
				}
			}
			fmt.Fprintf(progress, "%s, %s: %d clients in %d rows, %s ms on SQLite, %s ms on MariaDB, which read %d\n",
				page.Filter, page.Place, page.Clients, page.Rows, chart.Number(page.SQLite),
				chart.Number(page.MariaDB), page.Read)
			if page.Rows > bound {
				return pages, fmt.Errorf("%s, %s: the server looked in %d rows, promised are %d", f.name, place.name,
					page.Rows, bound)
			}
			pages = append(pages, page)
		}
	}
	return pages, nil
}

// A filter is a query of which pages are measured.
type filter struct {
	name  string
	query adminapi.ClientQuery
}

// filters returns what operators look for, in a table that [fill.Clients] has filled with so many clients. Those that
// find no client at all have the server look in as many rows as it may.
func filters(clients int) []filter {
	first := fill.First
	last := first.Add(time.Duration(clients) * fill.Pace)
	return []filter{
		{"none: `status=any`", adminapi.ClientQuery{Status: "any"}},
		{"`status=active`, the default", adminapi.ClientQuery{}},
		{"the same, `limit=1000`", adminapi.ClientQuery{Limit: adminapi.MaxPage}},
		{"`status=disabled`, none is", adminapi.ClientQuery{Status: "disabled"}},
		{"`never_seen`, all are", adminapi.ClientQuery{NeverSeen: true}},
		{"`name` of one in a hundred", adminapi.ClientQuery{Name: "OF CUSTOMER 77"}},
		{"`name` of none", adminapi.ClientQuery{Name: "nowhere"}},
		{"`q` of none", adminapi.ClientQuery{Q: "nowhere"}},
		{"`software_id` of none", adminapi.ClientQuery{SoftwareID: "nowhere"}},
		{"`caller_token_id` of none", adminapi.ClientQuery{CallerTokenID: "nowhere"}},
		{"`caller_issuer` and `caller_subject` of none", adminapi.ClientQuery{CallerIssuer: "https://nowhere.example",
			CallerSubject: "nowhere"}},
		{"`caller_network` of all", adminapi.ClientQuery{CallerNetwork: "198.51.0.0/16"}},
		{"`caller_network` of none", adminapi.ClientQuery{CallerNetwork: "192.0.2.0/24"}},
		{"`registered_after` the middle", adminapi.ClientQuery{RegisteredAfter: first.Add(last.Sub(first) / 2)}},
		{"`registered_before` all", adminapi.ClientQuery{RegisteredBefore: first}},
		{"`name` of none, `registered_after`, `never_seen`", adminapi.ClientQuery{Name: "nowhere", NeverSeen: true,
			RegisteredAfter: first}},
		{"`caller_network` of none and all the others", adminapi.ClientQuery{Name: "application", Q: "application",
			NeverSeen: true, RegisteredAfter: first, RegisteredBefore: last, CallerNetwork: "192.0.2.0/24",
			Limit: adminapi.MaxPage}},
	}
}

// A measurement is what one page costs.
type measurement struct {
	clients, rows, read int
	milliseconds        float64
}

// measure reads a page several times. The first time warms up.
func (s *subject) measure(ctx context.Context, q adminapi.ClientQuery, rounds int) (m measurement, err error) {
	var times []float64
	for round := range rounds + 1 {
		before, err := s.rowsRead(ctx)
		if err != nil {
			return m, err
		}
		began := time.Now()
		page, err := s.api.Clients(ctx, q)
		took := time.Since(began)
		if err != nil {
			return m, err
		}
		after, err := s.rowsRead(ctx)
		if err != nil {
			return m, err
		}
		if round == 0 {
			m.clients, m.read = len(page.Clients), after-before
			m.rows, err = s.rowsBetween(ctx, q.After, page.Next)
			if err != nil {
				return m, err
			}
			continue
		}
		m.read = min(m.read, after-before) // the server also reads for itself, now and then
		times = append(times, took.Seconds()*1000)
	}
	slices.Sort(times)
	m.milliseconds = chart.Median(times)
	return m, nil
}
