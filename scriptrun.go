package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

// scriptRunCommand is a dry run of one script.
type scriptRunCommand struct {
	File       string `arg:"" placeholder:"FILE.wasm" help:"Module."`
	Request    string `required:"" placeholder:"FILE.json" help:"Registration request, as a client would send it."`
	ConfigJSON string `name:"config-json" default:"{}" placeholder:"JSON" help:"Configuration of the script, an object. Default ${default}."`
	Caller     string `placeholder:"FILE.json" help:"Who registers, as read_caller shows it to scripts. Nobody in particular unless given."`
	Trace      bool   `help:"Show each step: who ran it, how it ended, its time and fuel, what it changed (+ added, - removed, ~ replaced) and logged."`
	stepFlags
	outputFlags
	engineFlags `group:"What may be registered:"`
	scriptFlags `group:"Scripts:"`
}

// fileName returns the name that a module gets from its file.
func fileName(path string) string { return strings.TrimSuffix(filepath.Base(path), ".wasm") }

// localName is fileName for a module that nobody but this process sees: every file has one.
func localName(path string) string {
	if name := fileName(path); scripts.ValidName(name) {
		return name
	}
	return "script"
}

// Run runs the request and fails where the server would not register the client.
func (c *scriptRunCommand) Run(ctx context.Context, to *console) error {
	if _, err := objectFlag("--config-json", c.ConfigJSON); err != nil {
		return err
	}
	e, err := engine.New(engine.Config{Options: c.options()})
	if err != nil {
		return usageError{err}
	}
	wasm, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	body, err := os.ReadFile(c.Request)
	if err != nil {
		return err
	}
	caller, err := c.caller()
	if err != nil {
		return err
	}
	result, err := c.dryRun(ctx, e, wasm, body, caller)
	if err != nil {
		return rejection(err)
	}
	if err := c.write(to.out, result, func(p *page) { c.describe(p, result) }); err != nil {
		return err
	}
	if result.Outcome != scripts.OutcomeRegistered {
		return exited(exitFailed)
	}
	return nil
}

// caller returns who registers.
func (c *scriptRunCommand) caller() (*engine.Caller, error) {
	caller := &engine.Caller{Auth: engine.AuthNone}
	if c.Caller == "" {
		return caller, nil
	}
	b, err := os.ReadFile(c.Caller)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, caller, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Caller, err)
	}
	return caller, nil
}

// dryRun takes the request through all steps of this one script.
func (c *scriptRunCommand) dryRun(ctx context.Context, e *engine.Engine, wasm, body []byte, caller *engine.Caller) (scripts.DryRun, error) {
	h, digest, err := c.localHost(ctx, wasm)
	if err != nil {
		return scripts.DryRun{}, err
	}
	defer h.Close(context.WithoutCancel(ctx))
	list := []scripts.Script{{Name: localName(c.File), Module: digest, Steps: c.Step, Config: jsontext.Value(c.ConfigJSON)}}
	return dryRunBody(ctx, h, e, body, nil, caller, list)
}

// dryRunBody takes a request, with verified claims or nil, through all steps. One that no step would see is refused as
// the server refuses it.
func dryRunBody(ctx context.Context, h *host.Host, e *engine.Engine, body []byte, statement jsontext.Value, caller *engine.Caller, list []scripts.Script) (scripts.DryRun, error) {
	request, err := engine.ParseRequest(body)
	if refusal, refused := errors.AsType[*engine.Error](err); refused {
		return scripts.DryRun{Outcome: scripts.OutcomeRefused, Steps: []scripts.StepTrace{},
			Error: &scripts.DryRunError{Code: string(refusal.Code), Description: refusal.Description}}, nil
	}
	if err != nil {
		return scripts.DryRun{}, err
	}
	request.Statement = statement
	return h.DryRun(ctx, e, request, caller, list)
}

// describe tells people how it went.
func (c *scriptRunCommand) describe(p *page, result scripts.DryRun) {
	if c.Trace {
		describeTrace(p, result.Steps)
		if result.Dropped > 0 {
			p.line("log lines dropped: %d", result.Dropped)
		}
		p.line("")
	}
	p.line("%s", result.Outcome)
	if result.Error != nil {
		p.line("%s: %s", result.Error.Code, result.Error.Description)
	}
	if result.Response != nil {
		p.json(result.Response)
	}
}

// A shelf holds the one module of a dry run, and no deployment.
type shelf struct {
	digest string
	wasm   []byte
}

// AddModule implements [host.ModuleStore]. It stores nothing: the module is here already.
func (*shelf) AddModule(_ context.Context, m scripts.Module, _ []byte) (scripts.Module, bool, error) {
	return m, true, nil
}

// ModuleBytes implements [host.ModuleStore].
func (s *shelf) ModuleBytes(_ context.Context, digest string) ([]byte, error) {
	if digest != s.digest {
		return nil, scripts.ErrNotFound
	}
	return s.wasm, nil
}

// AddDeployment implements [host.DeploymentStore]. Nothing can be deployed here.
func (*shelf) AddDeployment(context.Context, scripts.Deployment, *int64) (scripts.Deployment, error) {
	return scripts.Deployment{}, scripts.ErrConflict
}

// CurrentDeployment implements [host.DeploymentStore].
func (*shelf) CurrentDeployment(context.Context) (scripts.Deployment, error) {
	return scripts.Deployment{Scripts: []scripts.Script{}}, nil
}

// CurrentDeploymentNumber implements [host.DeploymentStore].
func (*shelf) CurrentDeploymentNumber(context.Context) (int64, error) { return 0, nil }

// Deployments implements [host.DeploymentStore].
func (*shelf) Deployments(context.Context, int64, int) ([]scripts.Deployment, error) { return nil, nil }
