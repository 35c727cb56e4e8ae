package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/scripts"
	"registrar/scripts/host"
	"registrar/server/adminapi"
)

// scriptCommands deal with scripts.
type scriptCommands struct {
	Inspect     scriptInspectCommand     `cmd:"" help:"Say what an upload of a module would be told. Needs no server."`
	Run         scriptRunCommand         `cmd:"" help:"Take a request through all steps with this one script and store nothing. Needs no server."`
	Test        scriptTestCommand        `cmd:"" help:"Run the cases of a script, from files that hold a request and what must come of it. Needs no server."`
	Push        scriptPushCommand        `cmd:"" help:"Upload a module, and deploy it if asked to."`
	List        scriptListCommand        `cmd:"" help:"List uploaded modules, the newest first."`
	Deployments scriptDeploymentsCommand `cmd:"" help:"List deployments, the newest first, which is in force."`
	Deploy      scriptDeployCommand      `cmd:"" help:"Deploy a list of scripts."`
	Rollback    scriptRollbackCommand    `cmd:"" help:"Deploy a copy of an older deployment."`
	Shadow      scriptShadowCommand      `cmd:"" help:"Show what scripts in shadow mode would have done."`
	New         scriptNewCommand         `cmd:"" help:"Write the project of a script: a first script, the SDK, cases. Needs no server and no network."`
	Replay      scriptReplayCommand      `cmd:"" help:"Say what would have come of the latest registrations with this script. Stores none and deploys nothing."`
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
	h, _, err := c.localHost(ctx, wasm)
	if err != nil {
		return err
	}
	defer h.Close(context.WithoutCancel(ctx))
	// Upload compiles too, which Inspect alone does not. What it stores is gone with this process.
	m, _, err := h.Upload(ctx, localName(c.File), wasm)
	if err != nil {
		return rejection(err)
	}
	return c.write(to.out, m, func(p *page) { describeModule(p, m) })
}

// rejection puts the reasons against a module one a line.
func rejection(err error) error {
	if rejected, ok := errors.AsType[*scripts.Rejected](err); ok {
		return fmt.Errorf("the module may not be uploaded:\n  - %s", strings.Join(rejected.Reasons, "\n  - "))
	}
	return err
}

func describeModule(p *page, m scripts.Module) {
	p.table([][]string{
		{"digest", m.Digest},
		{"size", fmt.Sprintf("%d bytes", m.Size)},
		{"steps", cmp.Or(strings.Join(m.Steps, ", "), "those that the deployment lists: it is a program")},
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
func scriptNames(list []scripts.Script) string {
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	return cmp.Or(strings.Join(names, ", "), "no scripts")
}

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
	return f.write(to.out, d, func(p *page) { describeDeployment(p, d) })
}

func describeDeployment(p *page, d scripts.Deployment) {
	p.line("deployment %d is in force: %s", d.Number, scriptNames(d.Scripts))
}

// stepFlags say what a program replaces.
type stepFlags struct {
	Step []string `placeholder:"STEP" help:"Steps that a program replaces, which exports _start instead of steps."`
}

// scriptPushCommand uploads a module.
type scriptPushCommand struct {
	File       string `arg:"" placeholder:"FILE.wasm" help:"Module."`
	Name       string `placeholder:"NAME" help:"Name of the script; the file's unless given."`
	Deploy     bool   `help:"Deploy it too: in place of the script of that name, with its configuration, else at the end, innermost."`
	Mode       string `enum:",enforce,shadow" default:"" help:"With --deploy: enforce has it act, shadow only says what it would do. As it was unless given, else enforce."`
	ConfigJSON string `name:"config-json" placeholder:"JSON" help:"With --deploy: configuration of the script, an object. As it was unless given."`
	Canary     string `placeholder:"5%" help:"With --deploy: have it act for this share of the callers. For the others the deployment before stays in force."`
	Signature  string `placeholder:"FILE" help:"Signature of the module, as minisign made it; FILE.wasm.minisig, if there is one, unless given."`
	stepFlags
	remoteFlags
}

// signature returns what the signature's file holds; nil where there is none and none was asked for.
func (c *scriptPushCommand) signature() ([]byte, error) {
	b, err := os.ReadFile(cmp.Or(c.Signature, c.File+".minisig"))
	if c.Signature == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Run uploads, and deploys if asked to.
func (c *scriptPushCommand) Run(ctx context.Context, to *console) error {
	name := cmp.Or(c.Name, fileName(c.File))
	if !scripts.ValidName(name) {
		return usageError{fmt.Errorf("the name %q: a script's name is [a-z0-9][a-z0-9._-]{0,63}; say --name", name)}
	}
	if (c.Mode != "" || c.Canary != "" || c.ConfigJSON != "") && !c.Deploy {
		return usageError{errors.New("--mode, --canary and --config-json go with --deploy")}
	}
	config, err := objectFlag("--config-json", c.ConfigJSON)
	if err != nil {
		return err
	}
	if c.Mode != "" && c.Canary != "" {
		return usageError{errors.New("--mode and --canary exclude each other")}
	}
	wasm, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	api, err := c.api()
	if err != nil {
		return err
	}
	signature, err := c.signature()
	if err != nil {
		return err
	}
	m, err := api.UploadSigned(ctx, name, wasm, signature)
	if err != nil {
		return err
	}
	if !c.Deploy {
		return c.write(to.out, m, func(p *page) { describeModule(p, m) })
	}
	d, err := deployModule(ctx, api, scripts.Script{Name: name, Module: m.Digest, Config: config, Mode: scripts.Mode(c.Mode), Canary: c.Canary, Steps: c.Step})
	if err != nil {
		return err
	}
	if err := c.write(to.out, d, func(p *page) { describeModule(p, m); describeDeployment(p, d) }); err != nil {
		return err
	}
	for _, warning := range outerScripts(ctx, api, d.Scripts, name, slices.Concat(c.Step, m.Steps)) {
		fmt.Fprintln(to.err, "registrar: warning:", printable(warning))
	}
	return nil
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

// objectFlag returns the value of a flag that is a JSON object, nil where it is not given.
func objectFlag(flag, value string) (jsontext.Value, error) {
	if value == "" {
		return nil, nil
	}
	if v := jsontext.Value(value); v.IsValid() && v.Kind() == '{' {
		return v, nil
	}
	return nil, usageError{fmt.Errorf("%s: it must be a JSON object", flag)}
}

// outerScripts warns of scripts that replace the same step further out: they decide whether this one is asked at all.
func outerScripts(ctx context.Context, api *adminapi.API, list []scripts.Script, name string, steps []string) []string {
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
		for _, step := range slices.Concat(outer.Steps, exported[outer.Module]) {
			if slices.Contains(steps, step) {
				warnings = append(warnings, fmt.Sprintf("%s replaces %s too and stands further out: %s runs there only where %s calls its base", outer.Name, step, name, outer.Name))
			}
		}
	}
	return warnings
}

// localHost returns a script host whose only module is this one, which it need not be uploaded for.
func (f *scriptFlags) localHost(ctx context.Context, wasm []byte, changes ...func(*host.Config)) (*host.Host, string, error) {
	config, err := f.host()
	if err != nil {
		return nil, "", usageError{err}
	}
	shelf := &shelf{digest: scripts.Digest(wasm), wasm: wasm}
	config.Modules, config.Deployments = shelf, shelf
	config.Logger = slog.New(slog.DiscardHandler) // the answer says it all
	for _, change := range changes {
		change(&config)
	}
	h, err := host.New(ctx, config)
	return h, shelf.digest, err
}
