package cli

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/scriptcase"
	"registrar/scripts/host"
)

// scriptCommands are the commands on scripts.
type scriptCommands struct {
	Inspect     scriptInspectCommand     `cmd:"" help:"Check a module as an upload would. Needs no server."`
	Run         scriptRunCommand         `cmd:"" help:"${script_run_command}"`
	Test        scriptTestCommand        `cmd:"" help:"Run the test cases of a script. Needs no server."`
	Pack        scriptPackCommand        `cmd:"" help:"${script_pack_command}"`
	Push        scriptPushCommand        `cmd:"" help:"Upload a module; deploy it with --deploy."`
	Show        scriptShowCommand        `cmd:"" help:"Print the source that a module was packed from."`
	List        scriptListCommand        `cmd:"" help:"List uploaded modules, newest first."`
	Deployments scriptDeploymentsCommand `cmd:"" help:"List deployments, newest first. The first is in force."`
	Deploy      scriptDeployCommand      `cmd:"" help:"Deploy a list of scripts."`
	Export      scriptExportCommand      `cmd:"" help:"Print a deployment, to edit and deploy it."`
	Diff        scriptDiffCommand        `cmd:"" help:"Show what a deployment would change."`
	Rollback    scriptRollbackCommand    `cmd:"" help:"Deploy a copy of an older deployment."`
	Shadow      scriptShadowCommand      `cmd:"" help:"Show what scripts in shadow mode would have done."`
	New         scriptNewCommand         `cmd:"" help:"${script_new_command}"`
	Replay      scriptReplayCommand      `cmd:"" help:"${script_replay_command}"`
}

// stepFlags name the steps that a program replaces.
type stepFlags struct {
	Step []string `placeholder:"STEP,..." help:"Steps to replace, for a program (a module that exports _start)."`
}

// objectFlag returns the value of a flag that is a JSON object, nil if it is not given.
func objectFlag(flag, value string) (jsontext.Value, error) {
	if value == "" {
		return nil, nil
	}
	if v := jsontext.Value(value); v.IsValid() && v.Kind() == '{' {
		return v, nil
	}
	return nil, usageError{fmt.Errorf("%s: must be a JSON object", flag)}
}

// localHost returns a script host whose only module is wasm, and the module's digest. The caller must close it.
func (f *scriptFlags) localHost(ctx context.Context, wasm []byte) (h *host.Host, digest string, err error) {
	limits, err := f.host()
	if err != nil {
		return nil, "", usageError{err}
	}
	return scriptcase.NewHost(ctx, limits, wasm)
}
