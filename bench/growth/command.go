package growth

import (
	"context"
	"errors"
	"os"

	"registrar/bench/fill"
)

// Command is the command line of the measurements of growth.
type Command struct {
	Options
	Short    bool   `help:"Measure little, in seconds: whether it works, and not how fast."`
	Folder   string `default:"docs/performance" placeholder:"DIR" help:"Where pictures and JSON go. Default ${default}."`
	Markdown string `default:"docs/growth.md" placeholder:"FILE" help:"Where the tables go, between two comments. Default ${default}."`
}

// Run measures and writes the results, also those that it had before it was interrupted.
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

// short returns o with the least of everything.
func (o Options) short() Options {
	return Options{Axes: o.Axes, Clients: []int{1000, 3000}, IDs: []fill.IDs{fill.Random}, Scripts: []int{2}, Replicas: []int{1, 2},
		Metadata: []int{300, 60_000}, Rounds: 1, Seconds: 0.05, Connections: 4,
		BufferPool: 64, RedoLog: 64}
}
