// Command bench measures registrar, as operators run it, against minimal registration servers, in one run on one
// machine. docs/performance.md explains each figure.
//
// It starts a private MariaDB, registrar, and the servers of [registrar/bench/baseline], and loads them in turn. A
// figure is the median of the rounds. Ratios are taken within a round, so that disturbances of the machine affect both
// sides.
//
// It is a separate module; run it with go -C bench run . It needs the source tree that it was built from and changes to
// its root: paths in flags are relative to the root.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/bench/baresqlite"
	"registrar/bench/baseline"
	"registrar/bench/growth"
	"registrar/bench/lists"
	"registrar/internal/wasmtest"
)

type cli struct {
	Run        runCommand        `cmd:"" default:"withargs" help:"Measure registrar against other servers."`
	Growth     growth.Command    `cmd:"" help:"Measure the cost of growth: replicas, clients, scripts, metadata."`
	Lists      lists.Command     `cmd:"" help:"Measure pages of the list of clients, by filter."`
	Baseline   baselineCommand   `cmd:"" hidden:""`
	BareSQLite bareSQLiteCommand `cmd:"" name:"bare-sqlite" hidden:""`
}

// runCommand measures registrar against other servers.
type runCommand struct {
	Rounds   int      `default:"5" help:"Measurements of each figure. Default ${default}."`
	Seconds  float64  `default:"3" help:"Seconds of each load, without its warm-up. Default ${default}."`
	Only     []string `placeholder:"NAME" help:"Sections to measure. Default all: ${sections}."`
	Short    bool     `help:"Measure one round of 0.1 seconds, to see that it works."`
	Output   string   `short:"o" enum:"text,json" default:"text" help:"Tables or all figures. Default ${default}."`
	JSON     string   `placeholder:"FILE" help:"File for all figures."`
	Markdown string   `placeholder:"FILE" help:"File for the tables as Markdown, between its markers, or a new one."`
}

// Run measures and reports. Missed goals are not an error.
func (c *runCommand) Run(ctx context.Context, to *console) error {
	for _, name := range c.Only {
		if !slices.ContainsFunc(sections(), func(s section) bool { return s.name == name }) {
			return fmt.Errorf("--only %s: must be one of %s", name, sectionNames())
		}
	}
	o := Options{Rounds: c.Rounds, Seconds: c.Seconds, Short: c.Short}
	if c.Short {
		o.Rounds, o.Seconds = 1, 0.1
	}
	if o.Rounds < 1 || o.Seconds <= 0 {
		return errors.New("--rounds and --seconds must be above 0")
	}
	report, err := measure(ctx, o, c.Only, to.err)
	if report == nil {
		return err
	}
	return errors.Join(err, c.write(report, to.out))
}

func (c *runCommand) write(r *Report, out io.Writer) error {
	var errs []error
	all, err := json.Marshal(r, jsontext.WithIndent("  "), json.Deterministic(true))
	if err != nil {
		return err
	}
	all = append(all, '\n')
	if c.JSON != "" {
		errs = append(errs, os.WriteFile(c.JSON, all, 0o644))
	}
	if c.Markdown != "" {
		errs = append(errs, writeMarkdown(c.Markdown, r))
	}
	if c.Output == "json" {
		_, err = out.Write(all)
	} else {
		err = r.print(out)
	}
	return errors.Join(append(errs, err)...)
}

// baselineCommand runs a server of package baseline. The harness starts this program with it.
type baselineCommand struct {
	Kind string `arg:"" enum:"single-row,multi-row,multi-row-sql,multi-row-sqlite,nowhere,look-up,look-up-sqlite"`
	DSN  string `arg:"" help:"DSN of the MariaDB database, or path of the SQLite file; not for nowhere." optional:""`
}

// Run serves until ctx is done.
func (c *baselineCommand) Run(ctx context.Context, to *console) error {
	switch c.Kind {
	case singleRow:
		return baseline.SingleRow(ctx, c.DSN, to.err)
	case multiRow:
		return baseline.MultiRow(ctx, c.DSN, to.err)
	case multiRowSQLite:
		return baseline.MultiRowSQLite(ctx, c.DSN, to.err)
	case nowhere:
		return baseline.Nowhere(ctx, to.err)
	case lookUp:
		return baseline.LookUp(ctx, c.DSN, to.err)
	case lookUpSQLite:
		return baseline.LookUpSQLite(ctx, c.DSN, to.err)
	}
	return baseline.MultiRowSQL(ctx, c.DSN, to.err)
}

// bareSQLiteCommand inserts rows. The harness starts this program with it.
type bareSQLiteCommand struct {
	File     string        `arg:""`
	Template string        `arg:""`
	Callers  int           `arg:""`
	Duration time.Duration `arg:""`
}

// Run prints the result as JSON.
func (c *bareSQLiteCommand) Run(ctx context.Context, to *console) error {
	r, err := baresqlite.Run(ctx, baresqlite.Config{File: c.File, Template: c.Template, Callers: c.Callers,
		Duration: c.Duration})
	if err != nil {
		return err
	}
	return json.MarshalWrite(to.out, r)
}

// A console is where the program writes.
type console struct{ out, err io.Writer }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], &console{os.Stdout, os.Stderr}))
}

// run changes to the root of the source tree, runs a command and returns the exit code.
func run(ctx context.Context, args []string, to *console) int {
	if err := os.Chdir(wasmtest.Root()); err != nil {
		fmt.Fprintln(to.err, "bench: finding the sources:", err)
		return 1
	}
	parser, err := kong.New(&cli{}, kong.Name("bench"),
		kong.Description("Measure registrar. Paths are relative to the root of its source tree."),
		kong.Writers(to.out, to.err), kong.Bind(to), kong.Vars{"sections": sectionNames()})
	if err != nil {
		fmt.Fprintln(to.err, "bench:", err)
		return 1
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(to.err, "bench:", err)
		return 2
	}
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(); err != nil {
		fmt.Fprintln(to.err, "bench:", err)
		return 1
	}
	return 0
}

func sectionNames() string {
	var names []string
	for _, s := range sections() {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}
