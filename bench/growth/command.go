package growth

import (
	"context"
	"errors"
	"os"

	"registrar/bench/fill"
)

// Command is the command line of the growth measurements.
type Command struct {
	Options
	Short    bool   `help:"Run in seconds, to see that it works."`
	Folder   string `default:"docs/performance" placeholder:"DIR" help:"Folder for pictures and JSON. Default ${default}."`
	Markdown string `default:"docs/growth.md" placeholder:"FILE" help:"File for the tables. Default ${default}."`
}

// Run measures and writes the results, even if it is interrupted.
func (c *Command) Run(ctx context.Context) error {
	options := c.Options
	if c.Short {
		options = options.short()
	}
	report, err := Run(ctx, options, os.Stderr)
	if len(report.Axes) > 0 {
		err = errors.Join(err, report.Write(c.Folder, c.Markdown))
	}
	return err
}

// short returns o with minimal values.
func (o Options) short() Options {
	return Options{Axis: o.Axis, Clients: []int{1000, 3000}, IDs: []fill.IDs{fill.Random}, Scripts: []int{2},
		Replicas: []int{1, 2},
		Metadata: []int{300, 60_000}, Rounds: 1, Seconds: 0.05, Connections: 4,
		BufferPool: 64, RedoLog: 64}
}
