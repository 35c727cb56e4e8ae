package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"registrar/bench/database"
	"registrar/bench/load"
	"registrar/bench/process"
)

// A section measures rows of the table.
type section struct {
	name string
	run  func(context.Context, *harness) ([]Row, error)
}

// sections returns the sections in the order of the table. A section returns rows and may keep samples.
func sections() []section {
	return []section{
		{"mariadb", mariadbSection},
		{"sqlite", sqliteSection},
		{"script", scriptSection},
		{"scripts", scriptsSection},
		{"javascript", javascriptSection},
		{"patch", patchSection},
		{"guest", guestSection},
		{"lookup", lookupSection},
		{"verify", verifySection},
		{"update", updateSection},
		{"start", startSection},
		{"memory", memorySection},
		{"peers", peersSection},
		{"growth", growthSection},
	}
}

// A harness is what the sections share.
type harness struct {
	Options
	self    string            // this program
	program string            // registrar
	former  string            // registrar of formerCommit, "" until it is needed
	folder  string            // on a disk; removed at the end
	mariadb *database.MariaDB // in the section peers, MySQL
	peers   peersMachine
	tables  map[string]*filled // that were filled so far, by the name of the database
	samples []Sample
	only    []string // sections that were asked for by name
	log     io.Writer
	made    int // folders so far
}

// measure runs the sections in only, or all if it is empty. If a section fails, the report has the results of the
// others. The report is nil if nothing could be measured.
func measure(ctx context.Context, o Options, only []string, log io.Writer) (*Report, error) {
	h, err := newHarness(ctx, o, log)
	if err != nil {
		return nil, err
	}
	defer h.close()
	h.only = only
	report := &Report{Options: o, Begun: time.Now().UTC().Truncate(time.Second), Machine: machine(ctx, h.mariadb)}
	var errs []error
	for _, s := range sections() {
		if len(only) > 0 && !slices.Contains(only, s.name) || ctx.Err() != nil {
			continue
		}
		rows, err := s.run(ctx, h)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
		report.Rows = append(report.Rows, rows...)
	}
	report.Machine.MySQL, report.Machine.NodeJS = h.peers.mysql, h.peers.nodejs
	report.Samples, report.Minutes = h.samples, time.Since(report.Begun).Minutes()
	return report, errors.Join(append(errs, ctx.Err())...)
}

// newHarness builds registrar and starts MariaDB.
func newHarness(ctx context.Context, o Options, log io.Writer) (*harness, error) {
	h := &harness{Options: o, log: log, tables: map[string]*filled{}}
	if err := h.prepare(ctx); err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

func (h *harness) prepare(ctx context.Context) (err error) {
	if h.self, err = os.Executable(); err != nil {
		return err
	}
	disk, err := database.Disk()
	if err != nil {
		return err
	}
	if h.folder, err = os.MkdirTemp(disk, "registrar-bench-"); err != nil {
		return err
	}
	h.say("building registrar")
	if h.program, err = process.Build(ctx, h.folder); err != nil {
		return err
	}
	h.mariadb, err = database.Start(ctx, database.Config{})
	return err
}

func (h *harness) close() {
	for _, f := range h.tables {
		f.db.Close()
	}
	if h.mariadb != nil {
		h.mariadb.Close()
	}
	os.RemoveAll(h.folder)
}

func (h *harness) say(format string, args ...any) { fmt.Fprintf(h.log, format+"\n", args...) }

// scratch creates an empty folder.
func (h *harness) scratch() (string, error) {
	h.made++
	folder := filepath.Join(h.folder, fmt.Sprint(h.made))
	return folder, os.Mkdir(folder, 0o700)
}

// A target is a server to measure.
type target struct {
	name  string
	start func(context.Context) (server, error)
	load  func(server) load.Target // nil means that clients are registered at /register
}

// A server is what a target starts: a process, or several that share the load.
type server []*process.Process

// stop stops the processes.
func (s server) stop() (err error) {
	for _, p := range s {
		err = errors.Join(err, p.Stop())
	}
	return err
}

// registeringAt returns a load of registrations at a path of all processes.
func registeringAt(path string) func(server) load.Target {
	return func(s server) load.Target {
		t := load.Target{URL: s[0].URL + path}
		for _, p := range s[1:] {
			t.More = append(t.More, p.URL+path)
		}
		return t
	}
}

// rounds measures the targets in turn, with each number of connections, and keeps the samples. Each round starts new
// servers on new databases, and begins with another target.
func (h *harness) rounds(ctx context.Context, section string, targets []target, connections []int) error {
	for round := range h.Rounds {
		if err := h.round(ctx, section, targets, connections, round); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
	}
	return nil
}

func (h *harness) round(
	ctx context.Context, section string, targets []target, connections []int, round int,
) (err error) {
	servers := make([]server, len(targets))
	defer func() {
		for _, s := range servers {
			err = errors.Join(err, s.stop())
		}
		err = errors.Join(err, h.mariadb.Drop(context.WithoutCancel(ctx)))
	}()
	for i, t := range targets {
		if servers[i], err = t.start(ctx); err != nil {
			return fmt.Errorf("starting %s: %w", t.name, err)
		}
	}
	if err := h.calm(ctx); err != nil {
		return err
	}
	for c, n := range connections {
		for i := range targets {
			i = (i + round + c) % len(targets)
			to := registeringAt("/register")
			if targets[i].load != nil {
				to = targets[i].load
			}
			if err := h.drive(ctx, Sample{Section: section, Round: round + 1, Target: targets[i].name, Connections: n},
				servers[i], to(servers[i])); err != nil {
				return err
			}
		}
	}
	return nil
}

// calm waits until MariaDB is idle after the previous rounds, but at most 5 seconds.
func (h *harness) calm(ctx context.Context) error {
	const look = 200 * time.Millisecond
	for deadline := time.Now().Add(5 * time.Second); ; {
		before, err := h.mariadb.Usage()
		if err != nil {
			return err
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return ctx.Err()
		}
		after, err := h.mariadb.Usage()
		if err != nil || after.CPU-before.CPU <= look/10 || time.Now().After(deadline) {
			return err
		}
	}
}

// keep keeps a sample.
func (h *harness) keep(s Sample) {
	h.samples = append(h.samples, s)
	h.say("%s, round %d of %d: %s, %d connections: %.0f a second", s.Section, s.Round, h.Rounds, s.Target,
		s.Connections, s.Rate)
}

// drive loads a server, and keeps the sample, which names section, round, target and connections.
func (h *harness) drive(ctx context.Context, sample Sample, s server, to load.Target) error {
	to.Name = sample.Target
	before, err := h.spent(s)
	if err != nil {
		return err
	}
	missed, err := poolMisses(ctx, s[0])
	if err != nil {
		return err
	}
	r, err := load.Run(ctx, to, sample.Connections, h.duration())
	if err != nil {
		return fmt.Errorf("%w\n%s", err, s[0].Log())
	}
	after, err := h.spent(s)
	if err != nil {
		return err
	}
	misses, err := poolMisses(ctx, s[0])
	if err != nil {
		return err
	}
	each := func(i int) float64 { return float64((after[i] - before[i]).Microseconds()) / float64(r.All) }
	sample.Requests, sample.Rate = r.Requests, r.Rate()
	sample.P50, sample.P99 = microseconds(r.P50), microseconds(r.P99)
	sample.ServerCPU, sample.DatabaseCPU, sample.LoadCPU = each(0), each(1), each(2)
	sample.PoolMisses = (misses - missed) / float64(r.All)
	h.keep(sample)
	return nil
}

// microseconds returns d in microseconds, with the fraction.
func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// spent returns the processor times of a server, of MariaDB and of this program.
func (h *harness) spent(s server) (cpu [3]time.Duration, err error) {
	for _, p := range s {
		used, err := p.CPU()
		if err != nil {
			return cpu, err
		}
		cpu[0] += used
	}
	u, err := h.mariadb.Usage()
	if err != nil {
		return cpu, err
	}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return cpu, err
	}
	cpu[1], cpu[2] = u.CPU, time.Duration(own.Utime.Nano()+own.Stime.Nano())
	return cpu, nil
}
