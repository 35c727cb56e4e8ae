// Package growth measures what growth costs: more replicas of registrar on one MariaDB, more clients in its table, more
// scripts in a deployment, longer metadata. Each is an [Axis]; what lies on it is measured in turn, round by round, so that
// whatever else the machine does strikes all alike, and is told as a ratio to the first place on the axis.
package growth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	"registrar/bench/database"
	"registrar/bench/fill"
	"registrar/bench/process"
)

// Options say what is measured. Every field has to be set; the flags have defaults.
type Options struct {
	Axes        []string   `json:"axes" name:"axis" enum:"replicas,clients,scripts,metadata" default:"replicas,clients,scripts,metadata" help:"What to let grow. Default: all of ${default}."`
	Clients     []int      `json:"clients" default:"1000000,3000000,10000000" help:"How many clients are in the table, ascending; each size is compared with an empty table. Default ${default}."`
	IDs         []fill.IDs `json:"ids" name:"id" enum:"uuidv7,random" default:"uuidv7,random" help:"Forms of the IDs that registrar makes while the table grows; what is in the table has random ones. Default ${default}."`
	Scripts     []int      `json:"scripts" default:"1,2,4,8" help:"How many scripts a deployment has. Default ${default}."`
	Replicas    []int      `json:"replicas" default:"1,2,4" help:"How many processes of registrar use one database. Default ${default}."`
	Metadata    []int      `json:"metadata" default:"307,1024,4096,16384,61440" help:"Lengths of the requests' bodies in bytes. Default ${default}."`
	Rounds      int        `json:"rounds" default:"5" help:"How often each place is measured. Default ${default}."`
	Seconds     float64    `json:"seconds" default:"3" help:"Of one measurement, besides its warm-up. Default ${default}."`
	Connections int        `json:"connections" default:"64" help:"Registrations at a time. Default ${default}."`
	BufferPool  int        `json:"buffer_pool" default:"8192" help:"MariaDB's buffer pool, in MiB. Default ${default}."`
	RedoLog     int        `json:"redo_log" default:"2048" help:"MariaDB's redo log, in MiB. Default ${default}."`
}

// A Report is all that was measured.
type Report struct {
	Options  Options   `json:"options"`
	At       time.Time `json:"at"`
	MariaDB  string    `json:"mariadb"`
	CPUs     int       `json:"cpus"`
	FillRate float64   `json:"fill_rate,omitzero"` // clients a second that were filled in
	Axes     []Axis    `json:"axes"`
}

// An Axis is something that grows.
type Axis struct {
	Name   string   `json:"name"`
	Title  string   `json:"title"`
	X      string   `json:"x"`
	Base   string   `json:"base"` // what ratios are to
	Series []Series `json:"series"`
}

// A Series is an axis under one condition.
type Series struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"`
}

// A Point is one place on an axis. Its slices have one value for each round.
type Point struct {
	Label       string    `json:"label"`
	Rates       []float64 `json:"rates"`        // registrations a second
	Ratios      []float64 `json:"ratios"`       // of the rate to the base's in the same round
	CPURatios   []float64 `json:"cpu_ratios"`   // of the base's processor time of a registration in that round to this one's
	P50         []float64 `json:"p50"`          // milliseconds
	P99         []float64 `json:"p99"`          // milliseconds
	ServerCPU   []float64 `json:"server_cpu"`   // microseconds of registrar's processor time for one registration
	DatabaseCPU []float64 `json:"database_cpu"` // the same of MariaDB's
	PagesRead   []float64 `json:"pages_read"`   // by MariaDB, for one registration
	PagesWrote  []float64 `json:"pages_wrote"`
}

// A bench is where everything runs.
type bench struct {
	Options
	folder   string
	program  string // registrar
	mariadb  *database.MariaDB
	monitor  *monitor
	progress io.Writer
	fillRate float64
}

// Run measures. A report that comes with an error holds what was measured before. What it does meanwhile is told to progress. Files are made in the folder for temporary files that is on a
// disk, some 2 GB for each million of clients, and are removed.
func Run(ctx context.Context, o Options, progress io.Writer) (report Report, err error) {
	b := &bench{Options: o, progress: progress}
	if o.Rounds < 1 || o.Connections < 1 || o.Seconds <= 0 {
		return Report{}, errors.New("rounds, connections and seconds must be above 0")
	}
	disk, err := database.Disk()
	if err != nil {
		return Report{}, err
	}
	if b.folder, err = os.MkdirTemp(disk, "growth-"); err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.folder)) }()
	if b.program, err = process.Build(ctx, b.folder); err != nil {
		return Report{}, err
	}
	b.mariadb, err = database.Start(ctx, database.Config{BufferPool: o.BufferPool,
		Args: []string{fmt.Sprintf("--innodb-log-file-size=%dM", o.RedoLog), "--max-allowed-packet=64M"}})
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, b.mariadb.Close()) }()
	if b.monitor, err = newMonitor(ctx, b.mariadb); err != nil {
		return Report{}, err
	}
	defer b.monitor.close()
	report = Report{Options: o, At: time.Now().UTC().Truncate(time.Second), CPUs: runtime.NumCPU()}
	if report.MariaDB, err = b.mariadb.Version(ctx); err != nil {
		return Report{}, err
	}
	for _, axis := range []struct {
		name string
		run  func(context.Context) (Axis, error)
	}{{"replicas", b.replicas}, {"scripts", b.scripts}, {"metadata", b.metadata}, {"clients", b.clients}} {
		if !slices.Contains(o.Axes, axis.name) {
			continue
		}
		a, err := axis.run(ctx)
		if len(a.Series) > 0 {
			report.Axes = append(report.Axes, a)
		}
		report.FillRate = b.fillRate
		if err != nil {
			return report, fmt.Errorf("measuring %s: %w", axis.name, err)
		}
	}
	return report, nil
}
