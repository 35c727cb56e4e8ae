// Package growth measures the cost of growth: more replicas of registrar on one MariaDB, more clients in its table,
// more scripts in a deployment, longer metadata. Each is an [Axis]. Its points are measured in turn, round by round, so
// that disturbances of the machine affect all of them, and are reported as ratios to the first point.
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

// Options configure the measurements. Every field must be set; the flags have defaults. The axis clients compares each
// number of clients in the table with an empty one; those in the table have random IDs.
type Options struct {
	Axis []string `json:"axes" enum:"replicas,clients,scripts,metadata" default:"replicas,clients,scripts,metadata"`

	Clients []int      `json:"clients" default:"1000000,3000000,10000000" help:"Clients, ascending. Default ${default}."`
	IDs     []fill.IDs `json:"ids" name:"id" enum:"uuidv7,random" default:"uuidv7,random" help:"Default ${default}."`

	Scripts  []int `json:"scripts" default:"1,2,4,8" help:"Scripts in a deployment. Default ${default}."`
	Replicas []int `json:"replicas" default:"1,2,4" help:"Processes of registrar. Default ${default}."`
	Metadata []int `json:"metadata" default:"307,1024,4096,16384,61440" help:"Bytes of bodies. Default ${default}."`

	Rounds      int     `json:"rounds" default:"5" help:"Measurements of each point. Default ${default}."`
	Seconds     float64 `json:"seconds" default:"3" help:"Seconds of one measurement. Default ${default}."`
	Connections int     `json:"connections" default:"64" help:"Concurrent registrations. Default ${default}."`
	BufferPool  int     `json:"buffer_pool" default:"8192" help:"MariaDB's buffer pool, in MiB. Default ${default}."`
	RedoLog     int     `json:"redo_log" default:"2048" help:"MariaDB's redo log, in MiB. Default ${default}."`
}

// A Report is the result of all measurements.
type Report struct {
	Options  Options   `json:"options"`
	At       time.Time `json:"at"`
	MariaDB  string    `json:"mariadb"`
	CPUs     int       `json:"cpus"`
	FillRate float64   `json:"fill_rate,omitzero"` // clients inserted per second
	Axes     []Axis    `json:"axes"`
}

// An Axis is a quantity that grows.
type Axis struct {
	Name   string   `json:"name"`
	Title  string   `json:"title"`
	X      string   `json:"x"`
	Base   string   `json:"base"` // the point to which ratios refer
	Series []Series `json:"series"`
}

// A Series is the measurements of an axis under one condition.
type Series struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"`
}

// A Point is one point of an axis. Its slices have one value per round.
type Point struct {
	Label       string    `json:"label"`
	Rates       []float64 `json:"rates"`        // registrations per second
	Ratios      []float64 `json:"ratios"`       // of the rate to that of the base in the same round
	CPURatios   []float64 `json:"cpu_ratios"`   // of the base's processor time per registration to this point's
	P50         []float64 `json:"p50"`          // milliseconds
	P99         []float64 `json:"p99"`          // milliseconds
	ServerCPU   []float64 `json:"server_cpu"`   // registrar's processor time per registration, in microseconds
	DatabaseCPU []float64 `json:"database_cpu"` // the same of MariaDB
	PagesRead   []float64 `json:"pages_read"`   // by MariaDB, per registration
	PagesWrote  []float64 `json:"pages_wrote"`
}

// A bench is what the measurements share.
type bench struct {
	Options
	folder   string
	program  string // registrar
	mariadb  *database.MariaDB
	monitor  *monitor
	progress io.Writer
	fillRate float64
}

// Run measures. A report that is returned with an error has the results so far. progress gets lines for people. Run
// needs about 2 GB per million clients in the folder of [database.Disk], and removes its files.
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
		if !slices.Contains(o.Axis, axis.name) {
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
