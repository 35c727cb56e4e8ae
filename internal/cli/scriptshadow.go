package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"registrar/scripts"
	"registrar/server/adminapi"
)

// scriptShadowCommand shows what scripts in shadow mode would have done.
type scriptShadowCommand struct {
	Name  string `arg:"" optional:"" placeholder:"NAME" help:"Script. Defaults to all."`
	Limit int    `default:"20" help:"Differences to show per script, at most 1000. Default ${default}."`
	remoteFlags
}

// Run lists the counts and the latest differences.
func (c *scriptShadowCommand) Run(ctx context.Context, to *console) error {
	if c.Limit < 0 || c.Limit > adminapi.MaxPage {
		return usageError{fmt.Errorf("--limit %d: must be 0 to %d", c.Limit, adminapi.MaxPage)}
	}
	api, err := c.api()
	if err != nil {
		return err
	}
	shadows, err := api.Shadows(ctx, c.Name, c.Limit)
	if err != nil {
		return err
	}
	return c.write(to.out, adminapi.Shadows{Shadows: shadows}, func(p *textWriter) { describeShadows(p, shadows) })
}

func describeShadows(p *textWriter, shadows []scripts.Shadow) {
	if len(shadows) == 0 {
		p.line("no script ran in shadow mode")
		return
	}
	rows := [][]string{{"DEPLOYMENT", "SCRIPT", "SAME", "CHANGED", "REFUSED", "FAILED", "NOT RUN"}}
	for _, s := range shadows {
		row := []string{strconv.FormatInt(s.Deployment, 10), s.Script}
		for _, n := range []int64{s.Same, s.Changed, s.Refused, s.Failed, s.Dropped} {
			row = append(row, strconv.FormatInt(n, 10))
		}
		rows = append(rows, row)
	}
	p.table(rows)
	for _, s := range shadows {
		for _, d := range s.Differences {
			p.line("%s %s %s %s", d.At.Format(time.DateTime), s.Script, d.Outcome, d.Changes)
		}
	}
}
