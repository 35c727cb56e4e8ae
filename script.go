package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"registrar/scripts"
	"registrar/scripts/catalog"
	"registrar/server/adminapi"
)

// scriptCommands deal with scripts.
type scriptCommands struct {
	Inspect     scriptInspectCommand     `cmd:"" help:"Say what an upload of a module would be told. Needs no server."`
	Run         scriptRunCommand         `cmd:"" help:"Take a request through all steps with this one script and store nothing. Needs no server."`
	Push        scriptPushCommand        `cmd:"" help:"Upload a module, and deploy it if asked to."`
	List        scriptListCommand        `cmd:"" help:"List uploaded modules, the newest first."`
	Deployments scriptDeploymentsCommand `cmd:"" help:"List deployments, the newest first, which is in force."`
	Deploy      scriptDeployCommand      `cmd:"" help:"Deploy a list of scripts."`
	Rollback    scriptRollbackCommand    `cmd:"" help:"Deploy a copy of an older deployment."`
}

// scriptInspectCommand judges a module.
type scriptInspectCommand struct {
	File string `arg:"" placeholder:"FILE.wasm" help:"Module."`
	scriptFlags
	outputFlags
}

// Run judges the module as an upload would.
func (c *scriptInspectCommand) Run(ctx context.Context, to *console) error {
	wasm, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	host, _, err := c.localHost(ctx, wasm)
	if err != nil {
		return err
	}
	defer host.Close(context.WithoutCancel(ctx))
	// Upload compiles too, which Inspect alone does not. What it stores is gone with this process.
	m, _, err := host.Upload(ctx, localName(c.File), wasm)
	if err != nil {
		return rejection(err)
	}
	return c.write(to.out, m, func(p *page) { describeModule(p, m) })
}

// rejection puts the reasons against a module one a line.
func rejection(err error) error {
	if rejected, ok := errors.AsType[*catalog.Rejected](err); ok {
		return fmt.Errorf("the module may not be uploaded:\n  - %s", strings.Join(rejected.Reasons, "\n  - "))
	}
	return err
}

func describeModule(p *page, m catalog.Module) {
	p.table([][]string{
		{"digest", m.Digest},
		{"size", fmt.Sprintf("%d bytes", m.Size)},
		{"steps", strings.Join(m.Steps, ", ")},
		{"imports", cmp.Or(strings.Join(m.Imports, ", "), "none")},
		{"memory", fmt.Sprintf("%d KiB at least", m.MemoryMin>>10)},
	})
	for _, warning := range m.Warnings {
		p.line("warning: %s", warning)
	}
}

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
	return c.write(to.out, adminapi.Modules{Modules: modules}, func(p *page) {
		rows := [][]string{{"NAME", "UPLOADED", "SIZE", "STEPS", "DIGEST"}}
		for _, m := range modules {
			rows = append(rows, []string{m.Name, m.CreatedAt.Format(time.DateTime), strconv.Itoa(m.Size), strings.Join(m.Steps, " "), m.Digest})
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
	return c.write(to.out, adminapi.Deployments{Deployments: deployments}, func(p *page) {
		rows := [][]string{{"NUMBER", "DEPLOYED", "SCRIPTS", "COMMENT"}}
		for _, d := range deployments {
			comment := d.Comment
			if d.CopyOf != 0 {
				comment = strings.TrimSpace(fmt.Sprintf("copy of %d %s", d.CopyOf, comment))
			}
			rows = append(rows, []string{strconv.FormatInt(d.Number, 10), d.CreatedAt.Format(time.DateTime), scriptNames(d.Scripts), comment})
		}
		p.table(rows)
	})
}

// scriptNames lists scripts, the outermost first.
func scriptNames(list []catalog.Script) string {
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	return cmp.Or(strings.Join(names, ", "), "no scripts")
}

// scriptDeployCommand appends a deployment.
type scriptDeployCommand struct {
	File string `arg:"" placeholder:"FILE.json" help:"{\"scripts\":[{\"name\",\"module\",\"config\"?,\"mode\"?,\"on_failure\"?,\"fail_open\"?}],\"comment\"?,\"if_current\"?}; module is a digest, the first script is outermost."`
	remoteFlags
}

// Run deploys what the file says.
func (c *scriptDeployCommand) Run(ctx context.Context, to *console) error {
	b, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	var asked struct {
		Scripts   []catalog.Script `json:"scripts"`
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
	return f.write(to.out, d, func(p *page) { describeDeployment(p, d) })
}

func describeDeployment(p *page, d catalog.Deployment) {
	p.line("deployment %d is in force: %s", d.Number, scriptNames(d.Scripts))
}

// scriptPushCommand uploads a module.
type scriptPushCommand struct {
	File   string `arg:"" placeholder:"FILE.wasm" help:"Module."`
	Name   string `placeholder:"NAME" help:"Name of the script; the file's unless given."`
	Deploy bool   `help:"Deploy it too: in place of the script of that name, with its configuration, else at the end, innermost."`
	remoteFlags
}

// Run uploads, and deploys if asked to.
func (c *scriptPushCommand) Run(ctx context.Context, to *console) error {
	name := cmp.Or(c.Name, fileName(c.File))
	if !catalog.ValidName(name) {
		return usageError{fmt.Errorf("the name %q: a script's name is [a-z0-9][a-z0-9._-]{0,63}; say --name", name)}
	}
	wasm, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	api, err := c.api()
	if err != nil {
		return err
	}
	m, err := api.Upload(ctx, name, wasm)
	if err != nil {
		return err
	}
	if !c.Deploy {
		return c.write(to.out, m, func(p *page) { describeModule(p, m) })
	}
	d, err := deployModule(ctx, api, name, m.Digest)
	if err != nil {
		return err
	}
	if err := c.write(to.out, d, func(p *page) { describeModule(p, m); describeDeployment(p, d) }); err != nil {
		return err
	}
	for _, warning := range outerScripts(ctx, api, d.Scripts, name, m.Steps) {
		fmt.Fprintln(to.err, "registrar: warning:", printable(warning))
	}
	return nil
}

// deployAttempts bounds how often a deployment is tried again because another one came in between.
const deployAttempts = 5

// deployModule puts a module in place of the script of this name, else at the end.
func deployModule(ctx context.Context, api *adminapi.API, name, digest string) (catalog.Deployment, error) {
	for attempt := 1; ; attempt++ {
		current, err := api.CurrentDeployment(ctx)
		if err != nil {
			return catalog.Deployment{}, err
		}
		d, err := api.Deploy(ctx, adminapi.NewDeployment{Scripts: withModule(current.Scripts, name, digest), IfCurrent: &current.Number})
		problem, ok := errors.AsType[*adminapi.Problem](err)
		if !ok || problem.Status != http.StatusConflict || attempt == deployAttempts {
			return d, err
		}
	}
}

// withModule returns the list with the module in place of the script of this name, which keeps what else is said of it.
func withModule(list []catalog.Script, name, digest string) []catalog.Script {
	list = slices.Clone(list)
	i := slices.IndexFunc(list, func(s catalog.Script) bool { return s.Name == name })
	if i < 0 {
		return append(list, catalog.Script{Name: name, Module: digest})
	}
	list[i].Module = digest
	return list
}

// outerScripts warns of scripts that replace the same step further out: they decide whether this one is asked at all.
func outerScripts(ctx context.Context, api *adminapi.API, list []catalog.Script, name string, steps []string) []string {
	modules, err := api.Modules(ctx)
	if err != nil {
		return []string{fmt.Sprintf("scripts further out may replace the same steps: %v", err)}
	}
	exported := map[string][]string{}
	for _, m := range modules {
		exported[m.Digest] = m.Steps
	}
	var warnings []string
	for _, outer := range list {
		if outer.Name == name {
			break
		}
		for _, step := range exported[outer.Module] {
			if slices.Contains(steps, step) {
				warnings = append(warnings, fmt.Sprintf("%s replaces %s too and stands further out: %s runs there only where %s calls its base", outer.Name, step, name, outer.Name))
			}
		}
	}
	return warnings
}

// localHost returns a script host whose only module is this one, which it need not be uploaded for.
func (f *scriptFlags) localHost(ctx context.Context, wasm []byte) (*scripts.Host, string, error) {
	config, err := f.host()
	if err != nil {
		return nil, "", usageError{err}
	}
	shelf := &shelf{digest: catalog.Digest(wasm), wasm: wasm}
	config.Modules, config.Deployments = shelf, shelf
	config.Logger = slog.New(slog.DiscardHandler) // the answer says it all
	host, err := scripts.New(ctx, config)
	return host, shelf.digest, err
}
