package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/go-json-experiment/json"

	"registrar/scripts"
	"registrar/server/adminapi"
)

// scriptDeployCommand appends a deployment.
type scriptDeployCommand struct {
	File string `arg:"" placeholder:"FILE.json" help:"{\"scripts\":[{\"name\",\"module\",\"steps\"?,\"config\"?,\"mode\"?,\"on_failure\"?,\"fail_open\"?}],\"comment\"?,\"if_current\"?}. module is a digest; steps are those that a program replaces; the first script is outermost."`
	waitFlags
	remoteFlags
}

// Run deploys the list in the file.
func (c *scriptDeployCommand) Run(ctx context.Context, to *console) error {
	b, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	var asked struct {
		Scripts   []scripts.Script `json:"scripts"`
		Comment   string           `json:"comment"`
		IfCurrent *int64           `json:"if_current"`
	}
	if err := json.Unmarshal(b, &asked, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if asked.Scripts == nil {
		return fmt.Errorf("%s: scripts is missing; it is the list of scripts, [] for none", c.File)
	}
	return c.deploy(ctx, to, c.waitFlags, adminapi.NewDeployment{
		Scripts:   asked.Scripts,
		Comment:   asked.Comment,
		IfCurrent: asked.IfCurrent,
	})
}

// scriptRollbackCommand deploys a copy of an older deployment.
type scriptRollbackCommand struct {
	Number int64 `arg:"" placeholder:"N" help:"Number of the deployment to copy."`
	waitFlags
	remoteFlags
}

// Run deploys the copy.
func (c *scriptRollbackCommand) Run(ctx context.Context, to *console) error {
	if c.Number < 1 {
		return usageError{fmt.Errorf("deployment %d: must be 1 or more", c.Number)}
	}
	return c.deploy(ctx, to, c.waitFlags, adminapi.NewDeployment{CopyOf: c.Number})
}

func (f *remoteFlags) deploy(ctx context.Context, to *console, wait waitFlags, asked adminapi.NewDeployment) error {
	if err := wait.check(); err != nil {
		return err
	}
	api, err := f.api()
	if err != nil {
		return err
	}
	d, err := api.Deploy(ctx, asked)
	if err != nil {
		return err
	}
	if err := f.write(to.out, d, func(p *textWriter) { describeDeployment(p, d) }); err != nil {
		return err
	}
	return wait.wait(ctx, api, d.Number, to)
}

func describeDeployment(p *textWriter, d scripts.Deployment) {
	p.line("deployment %d is in force: %s", d.Number, scripts.Names(d.Scripts))
}
