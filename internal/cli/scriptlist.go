package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

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
