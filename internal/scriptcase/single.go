package scriptcase

import (
	"context"
	"errors"
	"log/slog"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

// NewHost returns a script host whose only module is this one, which need not be uploaded. limits are as for
// [host.New], without stores and logger: nothing is deployed or stored, and what a script logs is in the answer of a dry
// run.
func NewHost(ctx context.Context, limits host.Config, wasm []byte) (h *host.Host, digest string, err error) {
	module := &singleModule{digest: scripts.Digest(wasm), wasm: wasm}
	limits.Modules, limits.Deployments = module, module
	limits.Logger = slog.New(slog.DiscardHandler)
	h, err = host.New(ctx, limits)
	return h, module.digest, err
}

// DryRun takes a request, with verified claims or nil, through all steps. One that no step would see is refused as
// the server refuses it.
func DryRun(ctx context.Context, h *host.Host, e *engine.Engine, body []byte, statement jsontext.Value, caller *engine.Caller, list []scripts.Script) (scripts.DryRun, error) {
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

// A singleModule holds the one module of a dry run, and no deployment.
type singleModule struct {
	digest string
	wasm   []byte
}

// AddModule implements [host.ModuleStore]. It stores nothing: the module is here already.
func (*singleModule) AddModule(_ context.Context, m scripts.Module, _ []byte) (scripts.Module, bool, error) {
	return m, true, nil
}

// ModuleBytes implements [host.ModuleStore].
func (s *singleModule) ModuleBytes(_ context.Context, digest string) ([]byte, error) {
	if digest != s.digest {
		return nil, scripts.ErrNotFound
	}
	return s.wasm, nil
}

// AddDeployment implements [host.DeploymentStore]. Nothing can be deployed here.
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
