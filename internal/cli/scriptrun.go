package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/internal/scriptcase"
	"registrar/scripts"
)

// scriptRunCommand is a dry run of one script.
type scriptRunCommand struct {
	File       string `arg:"" placeholder:"FILE" help:"${script_run_file}"`
	Request    string `required:"" placeholder:"FILE.json" help:"Registration request, as a client would send it."`
	ConfigJSON string `name:"config-json" default:"{}" placeholder:"JSON" help:"${script_run_config_json}"`
	Caller     string `placeholder:"FILE.json" help:"${script_run_caller}"`
	Trace      bool   `help:"${script_run_trace}"`
	stepFlags
	outputFlags
	engineFlags `group:"What may be registered:"`
	scriptFlags `group:"Scripts:"`
}

// Run runs the request and fails if the server would not register the client.
func (c *scriptRunCommand) Run(ctx context.Context, to *console) error {
	if _, err := objectFlag("--config-json", c.ConfigJSON); err != nil {
		return err
	}
	e, err := engine.New(engine.Config{Options: c.options()})
	if err != nil {
		return usageError{err}
	}
	wasm, err := readModule(ctx, c.File)
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
	if err := c.write(to.out, result, func(p *textWriter) { c.describe(p, result) }); err != nil {
		return err
	}
	if result.Outcome != scripts.OutcomeRegistered {
		return exited(exitFailed)
	}
	return nil
}

// caller returns the caller that registers.
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

// dryRun runs the request through all steps with this one script.
func (c *scriptRunCommand) dryRun(
	ctx context.Context, e *engine.Engine, wasm, body []byte, caller *engine.Caller,
) (scripts.DryRun, error) {
	h, digest, err := c.localHost(ctx, wasm)
	if err != nil {
		return scripts.DryRun{}, err
	}
	defer h.Close(context.WithoutCancel(ctx))
	script := scripts.Script{
		Name:   localName(c.File),
		Module: digest,
		Steps:  c.Step,
		Config: jsontext.Value(c.ConfigJSON),
	}
	return scriptcase.DryRun(ctx, h, e, body, nil, caller, []scripts.Script{script})
}

// describe prints the trace, if asked for, and the outcome.
func (c *scriptRunCommand) describe(p *textWriter, result scripts.DryRun) {
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
