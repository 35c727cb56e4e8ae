package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/scripts"
	"registrar/server/adminapi"
)

// deployHelp names every member of the file that script deploy reads.
const deployHelp = `Deployment as JSON, such as "script export" prints: ` +
	`{"scripts":[{"name","module","steps"?,"config"?,"mode"?,"canary"?,"on_failure"?,"fail_open"?,"fuel"?}],` +
	`"comment"?,"if_current"?}. ` +
	`scripts: the first is outermost. name: unique. module: its digest. steps: those that a program replaces. ` +
	`config: an object. mode: enforce, shadow or canary. canary: share of the callers, such as "5%". ` +
	`on_failure: refuse, or base, which runs what the step replaced. ` +
	`fail_open: steps where base applies even though a caller may make the script fail. ` +
	`fuel: instructions of a step, in place of --script-fuel. ` +
	`if_current: number that must be in force, 0 before the first. ` +
	`number, copy_of, created_by and created_at of a printed deployment have no effect.`

// scriptDeployCommand appends a deployment.
type scriptDeployCommand struct {
	File string `arg:"" placeholder:"FILE.json" help:"${deploy_file}"`
	commentFlags
	waitFlags
	remoteFlags
}

// commentFlags are the comment of a deployment.
type commentFlags struct {
	Comment string `placeholder:"TEXT" help:"Comment of the deployment, for those who read the list of deployments."`
}

// Run deploys the list in the file.
func (c *scriptDeployCommand) Run(ctx context.Context, to *console) error {
	asked, err := readDeployment(c.File)
	if err != nil {
		return err
	}
	if c.Comment != "" {
		asked.Comment = c.Comment
	}
	return c.deploy(ctx, to, c.waitFlags, asked)
}

// readDeployment reads the file of a deployment, which may be one that a command printed.
func readDeployment(path string) (adminapi.NewDeployment, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return adminapi.NewDeployment{}, err
	}
	var file struct {
		Scripts     []scripts.Script `json:"scripts"`
		Comment     string           `json:"comment"`
		IfCurrent   *int64           `json:"if_current"`
		Deployments jsontext.Value   `json:"deployments"`

		// The next deployment has its own of these, so they have no effect.
		Number    int64     `json:"number"`
		CopyOf    int64     `json:"copy_of"`
		CreatedBy string    `json:"created_by"`
		CreatedAt time.Time `json:"created_at"`
	}
	if err := json.Unmarshal(b, &file, json.RejectUnknownMembers(true)); err != nil {
		return adminapi.NewDeployment{}, fmt.Errorf("%s: %w", path, err)
	}
	switch {
	case file.Deployments != nil:
		return adminapi.NewDeployment{}, fmt.Errorf("%s is a list of deployments: "+
			"deploy one of them, as registrar script export N prints it", path)
	case file.Scripts == nil:
		return adminapi.NewDeployment{},
			fmt.Errorf("%s: scripts is missing; it is the list of scripts, [] for none", path)
	}
	return adminapi.NewDeployment{Scripts: file.Scripts, Comment: file.Comment, IfCurrent: file.IfCurrent}, nil
}

// scriptRollbackCommand deploys a copy of an older deployment.
type scriptRollbackCommand struct {
	Number int64 `arg:"" placeholder:"N" help:"Number of the deployment to copy; see script deployments."`
	commentFlags
	waitFlags
	remoteFlags
}

// Run deploys the copy.
func (c *scriptRollbackCommand) Run(ctx context.Context, to *console) error {
	if c.Number < 1 {
		return usageError{fmt.Errorf("deployment %d: must be 1 or more", c.Number)}
	}
	return c.deploy(ctx, to, c.waitFlags, adminapi.NewDeployment{CopyOf: c.Number, Comment: c.Comment})
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
