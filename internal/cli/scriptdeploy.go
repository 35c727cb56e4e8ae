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
	File string `arg:"" placeholder:"FILE.json" help:"{\"scripts\":[{\"name\",\"module\",\"steps\"?,\"config\"?,\"mode\"?,\"on_failure\"?,\"fail_open\"?}],\"comment\"?,\"if_current\"?}; module is a digest, steps are those that a program replaces, the first script is outermost."`
	remoteFlags
}

// Run deploys what the file says.
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
		return fmt.Errorf("%s: scripts is missing: the list of scripts, [] for none", c.File)
	}
	return c.deploy(ctx, to, adminapi.NewDeployment{Scripts: asked.Scripts, Comment: asked.Comment, IfCurrent: asked.IfCurrent})
}

// scriptRollbackCommand brings a deployment back.
type scriptRollbackCommand struct {
	Number int64 `arg:"" placeholder:"N" help:"Deployment to bring back."`
	remoteFlags
}

// Run deploys the copy.
func (c *scriptRollbackCommand) Run(ctx context.Context, to *console) error {
	if c.Number < 1 {
		return usageError{fmt.Errorf("deployment %d: numbers go from 1", c.Number)}
	}
	return c.deploy(ctx, to, adminapi.NewDeployment{CopyOf: c.Number})
}

func (f *remoteFlags) deploy(ctx context.Context, to *console, asked adminapi.NewDeployment) error {
	api, err := f.api()
	if err != nil {
		return err
	}
	d, err := api.Deploy(ctx, asked)
	if err != nil {
		return err
	}
	return f.write(to.out, d, func(p *textWriter) { describeDeployment(p, d) })
}

func describeDeployment(p *textWriter, d scripts.Deployment) {
	p.line("deployment %d is in force: %s", d.Number, scripts.Names(d.Scripts))
}

// deployAttempts bounds how often a deployment is tried again because another one came in between.
const deployAttempts = 5

// deployModule puts a script in place of the one of its name, else at the end.
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

// withModule returns the list with the module in place of the script of its name, which keeps what else is said of it
// unless a mode, steps or a configuration are given. One that acts is not put into the shadow, since nothing would act in its place.
func withModule(list []scripts.Script, script scripts.Script) ([]scripts.Script, error) {
	list = slices.Clone(list)
	i := slices.IndexFunc(list, func(s scripts.Script) bool { return s.Name == script.Name })
	if i < 0 {
		return append(list, script), nil
	}
	if script.Mode == scripts.ModeShadow && list[i].Mode != scripts.ModeShadow {
		return nil, fmt.Errorf("script %s acts: in shadow mode it would no longer: say another --name for the new one, or deploy a list without it", script.Name)
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
