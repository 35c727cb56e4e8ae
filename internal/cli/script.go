package cli

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/scriptcase"
	"registrar/scripts/host"
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

// stepFlags say what a program replaces.
type stepFlags struct {
	Step []string `placeholder:"STEP" help:"Steps that a program replaces, which exports _start instead of steps."`
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

// localHost returns a script host whose only module is this one.
func (f *scriptFlags) localHost(ctx context.Context, wasm []byte) (h *host.Host, digest string, err error) {
	limits, err := f.host()
	if err != nil {
		return nil, "", usageError{err}
	}
	return scriptcase.NewHost(ctx, limits, wasm)
}
