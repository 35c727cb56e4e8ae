package host

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"registrar/scripts"
	"registrar/scripts/sandbox"
)

// A deployed is a deployment with its own compiled modules.
type deployed struct {
	scripts.Deployment
	scripts []*script // outermost first

	fuel   int64   // of a registration
	plan   plan    // of all scripts that are not in shadow mode
	canary *canary // nil if the deployment is in force for all callers

	overwritten overwrittenLog

	pins     int   // registrations, shadows and workers that use the modules; guarded by Host.mu
	retired  bool  // another deployment has replaced it; guarded by Host.mu
	panicked error // of the worker, before this deployment was in force; guarded by Host.mu
}

// A script is a module of a deployment.
type script struct {
	scripts.Script
	index  int // in the deployment
	steps  []string
	module *sandbox.Module
}

// Deploy checks and appends a deployment and puts it in force on this server; other replicas follow. It returns a
// *[scripts.RejectedError] if the deployment is invalid, and [scripts.ErrConflict] if ifCurrent is not nil and another
// deployment is in force. If the deployment is appended but does not load, Deploy logs the error and returns nil.
func (h *Host) Deploy(ctx context.Context, d scripts.Deployment, ifCurrent *int64) (scripts.Deployment, error) {
	if err := checkBounds(d); err != nil {
		return scripts.Deployment{}, err
	}
	loaded, err := h.load(ctx, d)
	if err != nil {
		return scripts.Deployment{}, err
	}
	// refresh loads the deployment again, because another one may have been appended in between. Keeping this one open
	// until then spares a second compilation.
	defer func() { _ = h.closeAll(context.WithoutCancel(ctx), loaded.all()) }()
	d.Number = math.MaxInt64 // the baseline of a canary is older
	if loaded.canary, err = h.loadCanary(ctx, d); err != nil {
		return scripts.Deployment{}, err
	}
	if d.Scripts == nil {
		d.Scripts = []scripts.Script{}
	}
	d.CreatedAt = h.now()
	d, err = h.config.Deployments.AddDeployment(ctx, d, ifCurrent)
	if err != nil {
		return scripts.Deployment{}, err
	}
	if err := h.refresh(ctx); err != nil {
		// The deployment is appended and thus in force; Follow tries again.
		h.config.Logger.ErrorContext(ctx, "loading the new deployment", "deployment", d.Number, "error", err)
	}
	return d, nil
}

// load checks a deployment and compiles its modules.
func (h *Host) load(ctx context.Context, d scripts.Deployment) (*deployed, error) {
	if err := check(d.Scripts); err != nil {
		return nil, err
	}
	loaded := &deployed{Deployment: d, fuel: h.config.RegistrationFuel}
	for _, s := range d.Scripts {
		one, err := h.loadScript(ctx, s)
		if err != nil {
			_ = h.close(ctx, loaded)
			return nil, about(s, err)
		}
		one.index = len(loaded.scripts)
		loaded.scripts = append(loaded.scripts, one)
		loaded.fuel += max(s.Fuel-h.config.StepFuel, 0) * int64(len(one.steps))
	}
	loaded.plan = planOf(loaded.acting())
	return loaded, nil
}

// acting returns the scripts that are not in shadow mode.
func (d *deployed) acting() []*script {
	return slices.DeleteFunc(slices.Clone(d.scripts), (*script).shadow)
}

func (s *script) shadow() bool { return s.Mode == scripts.ModeShadow }

// about adds the script's name to an error. A missing module becomes a rejection of the deployment.
func about(s scripts.Script, err error) error {
	if errors.Is(err, scripts.ErrNotFound) {
		return scripts.Reject("script %s: module %s not found: upload it first", s.Name, s.Module)
	}
	return aboutAll("script "+s.Name, err)
}

// aboutAll adds what they are about to an error, or to each reason of a rejection.
func aboutAll(what string, err error) error {
	if r, ok := errors.AsType[*scripts.RejectedError](err); ok {
		named := &scripts.RejectedError{}
		for _, reason := range r.Reasons {
			named.Reasons = append(named.Reasons, what+": "+reason)
		}
		return named
	}
	return fmt.Errorf("%s: %w", what, err)
}

// loadScript loads a stored module. It checks the module as thoroughly as an upload.
func (h *Host) loadScript(ctx context.Context, s scripts.Script) (*script, error) {
	wasm, err := h.config.Modules.ModuleBytes(ctx, s.Module)
	if err != nil {
		return nil, fmt.Errorf("reading the module %s: %w", s.Module, err)
	}
	if scripts.Digest(wasm) != s.Module {
		return nil, fmt.Errorf("the stored bytes of the module %s do not match its digest", s.Module)
	}
	if err := h.checkStored(ctx, s.Module, wasm); err != nil {
		return nil, err
	}
	verdict, err := h.sandbox.Inspect(wasm)
	if err != nil {
		return nil, err
	}
	steps, err := stepsOf(s, verdict)
	if err != nil {
		return nil, err
	}
	if err := checkFallback(s, steps); err != nil {
		return nil, err
	}
	if err := h.sandbox.CheckConfig(verdict, s.Config); err != nil {
		return nil, err
	}
	module, err := h.sandbox.Load(ctx, s.Name, verdict, wasm)
	if err != nil {
		return nil, unavailable(err)
	}
	return &script{Script: s, steps: steps, module: module}, nil
}

// close closes the modules of a deployment. The deployment must have no pins.
func (h *Host) close(ctx context.Context, d *deployed) error {
	var errs error
	for _, s := range d.scripts {
		if err := s.module.Close(ctx); err != nil {
			errs = errors.Join(errs, fmt.Errorf("closing the module of script %s: %w", s.Name, err))
		}
	}
	return errs
}
