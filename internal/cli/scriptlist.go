package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"registrar/scripts"
	"registrar/server/adminapi"
)

// scriptListCommand lists modules.
type scriptListCommand struct{ remoteFlags }

// Run lists the modules.
func (c *scriptListCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	modules, err := api.Modules(ctx)
	if err != nil {
		return err
	}
	return c.write(to.out, adminapi.Modules{Modules: modules}, func(p *textWriter) {
		rows := [][]string{{"NAME", "UPLOADED", "SIZE", "STEPS", "DIGEST"}}
		for _, m := range modules {
			size, steps := strconv.Itoa(m.Size), strings.Join(m.Steps, " ")
			rows = append(rows, []string{m.Name, m.CreatedAt.Format(time.DateTime), size, steps, m.Digest})
		}
		p.table(rows)
	})
}

// scriptDeploymentsCommand lists deployments.
type scriptDeploymentsCommand struct{ remoteFlags }

// Run lists the latest deployments.
func (c *scriptDeploymentsCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	deployments, err := api.Deployments(ctx)
	if err != nil {
		return err
	}
	return c.write(to.out, adminapi.Deployments{Deployments: deployments}, func(p *textWriter) {
		rows := [][]string{{"NUMBER", "DEPLOYED", "SCRIPTS", "COMMENT"}}
		for _, d := range deployments {
			comment := d.Comment
			if d.CopyOf != 0 {
				comment = strings.TrimSpace(fmt.Sprintf("copy of %d %s", d.CopyOf, comment))
			}
			number, names := strconv.FormatInt(d.Number, 10), scripts.Names(d.Scripts)
			rows = append(rows, []string{number, d.CreatedAt.Format(time.DateTime), names, comment})
		}
		p.table(rows)
	})
}
