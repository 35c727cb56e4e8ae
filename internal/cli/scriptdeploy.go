package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"

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

// deployAttempts bounds the attempts to deploy while others deploy at the same time.
const deployAttempts = 5

// deployModule deploys the current scripts with script in place of the one of its name, else at the end.
func deployModule(ctx context.Context, api *adminapi.API, script scripts.Script) (scripts.Deployment, error) {
	for attempt := 1; ; attempt++ {
		current, err := api.CurrentDeployment(ctx)
		if err != nil {
			return scripts.Deployment{}, err
		}
		list, err := withModule(current.Scripts, script)
		if err != nil {
			return scripts.Deployment{}, err
		}
		d, err := api.Deploy(ctx, adminapi.NewDeployment{Scripts: list, IfCurrent: &current.Number})
		problem, ok := errors.AsType[*adminapi.Problem](err)
		if !ok || problem.Status != http.StatusConflict || attempt == deployAttempts {
			return d, err
		}
	}
}

// withModule returns list with script in place of the one of its name, else at the end. It keeps what script leaves
// out. An enforced script is not moved to shadow mode, since nothing would replace it.
func withModule(list []scripts.Script, script scripts.Script) ([]scripts.Script, error) {
	list = slices.Clone(list)
	i := slices.IndexFunc(list, func(s scripts.Script) bool { return s.Name == script.Name })
	if i < 0 {
		return append(list, script), nil
	}
	if script.Mode == scripts.ModeShadow && list[i].Mode != scripts.ModeShadow {
		return nil, fmt.Errorf("script %s is enforced and would stop in shadow mode: "+
			"choose another --name, or deploy a list without it", script.Name)
	}
	list[i].Module = script.Module
	if script.Config != nil {
		list[i].Config = script.Config
	}
	if script.Steps != nil {
		list[i].Steps = script.Steps
	}
	if script.Mode != "" || script.Canary != "" {
		list[i].Mode, list[i].Canary = script.Mode, script.Canary
	}
	return list, nil
}
