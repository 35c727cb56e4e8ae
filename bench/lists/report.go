package lists

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"registrar/bench/chart"
	"registrar/bench/growth"
)

// Command is the command line of the measurements.
type Command struct {
	Options
	Short    bool   `help:"Run in seconds, to see that it works."`
	Markdown string `default:"docs/growth.md" placeholder:"FILE" help:"File for the table. Default ${default}."`
}

// Run measures and writes the table between the markers of the file.
func (c *Command) Run(ctx context.Context) error {
	options := c.Options
	if c.Short {
		options = Options{Clients: 12_000, Rounds: 1, BufferPool: 64}
	}
	report, err := Run(ctx, options, os.Stderr)
	if err != nil {
		return err
	}
	return growth.WriteBlock(c.Markdown, "bench-lists", report.Markdown())
}

// Markdown returns the table.
func (r Report) Markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s clients with UUIDv7 IDs, in SQLite and in MariaDB %s with a buffer pool of\n%d MiB; "+
		"%d processors, `limit=100`, medians of %d rounds.\n\n", chart.Number(float64(r.Options.Clients)), r.MariaDB,
		r.Options.BufferPool, r.CPUs, r.Options.Rounds)
	b.WriteString("| filter | page | clients | in rows | SQLite, ms | MariaDB, ms | MariaDB read |\n" +
		"|---|---|---|---|---|---|---|\n")
	for _, p := range r.Pages {
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %s | %s | %s |\n", p.Filter, p.Place, p.Clients,
			chart.Number(float64(p.Rows)), chart.Number(p.SQLite), chart.Number(p.MariaDB),
			chart.Number(float64(p.Read)))
	}
	return b.Bytes()
}
