package scriptcase

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

// NewHost returns a script host whose only module is wasm, and the module's digest. The module need not be uploaded.
// NewHost sets the stores and the logger of limits: nothing is deployed or stored, and log lines are in the result of a
// dry run. The caller must close the host.
func NewHost(ctx context.Context, limits host.Config, wasm []byte) (h *host.Host, digest string, err error) {
	module := &singleModule{digest: scripts.Digest(wasm), wasm: wasm}
	limits.Modules, limits.Deployments = module, module
	limits.Logger = slog.New(slog.DiscardHandler)
	// The time of a registration is the server's. Here, the scripts' own time bounds it.
	limits.RegistrationTimeout = cmp.Or(limits.RegistrationTimeout, 10*time.Second+5*limits.StepTimeout)
	h, err = host.New(ctx, limits)
	return h, module.digest, err
}

// DryRun runs the request body through all steps with the scripts in list. statement is the verified claims of its
// software statement, nil for none. A body that the server would refuse before the first step is refused likewise.
func DryRun(
	ctx context.Context, h *host.Host, e *engine.Engine, body []byte, statement jsontext.Value,
	caller *engine.Caller, list []scripts.Script,
) (scripts.DryRun, error) {
	request, err := engine.ParseRequest(body)
	if refusal, refused := errors.AsType[*engine.Error](err); refused {
		return scripts.RefusedDryRun(string(refusal.Code), refusal.Description), nil
	}
	if err != nil {
		return scripts.DryRun{}, err
	}
	request.Statement = statement
	return h.DryRun(ctx, e, request, caller, list)
}

// A singleModule is a store of one module and no deployments.
type singleModule struct {
	digest string
	wasm   []byte
}

// AddModule implements [host.ModuleStore]. It stores nothing.
func (*singleModule) AddModule(_ context.Context, m scripts.Module, _ []byte) (scripts.Module, bool, error) {
	return m, true, nil
}

// Modules implements [host.ModuleStore].
func (*singleModule) Modules(context.Context) ([]scripts.Module, error) { return nil, nil }

// ModuleBytes implements [host.ModuleStore].
func (s *singleModule) ModuleBytes(_ context.Context, digest string) ([]byte, error) {
	if digest != s.digest {
		return nil, scripts.ErrNotFound
	}
	return s.wasm, nil
}

// AddDeployment implements [host.DeploymentStore]. It always fails.
func (*singleModule) AddDeployment(context.Context, scripts.Deployment, *int64) (scripts.Deployment, error) {
	return scripts.Deployment{}, scripts.ErrConflict
}

// CurrentDeployment implements [host.DeploymentStore].
func (*singleModule) CurrentDeployment(context.Context) (scripts.Deployment, error) {
	return scripts.Deployment{Scripts: []scripts.Script{}}, nil
}

// CurrentDeploymentNumber implements [host.DeploymentStore].
func (*singleModule) CurrentDeploymentNumber(context.Context) (int64, error) { return 0, nil }

// Deployments implements [host.DeploymentStore].
func (*singleModule) Deployments(context.Context, int64, int) ([]scripts.Deployment, error) {
	return nil, nil
}
