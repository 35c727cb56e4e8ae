package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tetratelabs/wazero"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/memory"
)

// A deployed is a deployment with its modules compiled. It holds its own references to them.
type deployed struct {
	scripts.Deployment
	scripts []*script // outermost first

	plan   plan    // of the scripts that act
	canary *canary // nil where it is in force for all callers

	pins    int  // registrations that run through it, and whoever makes instances for them
	retired bool // another one has taken its place
}

// A script is a module of a deployment.
type script struct {
	scripts.Script
	deployed *deployed // that it is part of
	index    int       // in it
	compiled wazero.CompiledModule
	steps    []string
	command  bool          // a program: each step is a run of its own
	globals  []string      // exports of what its state has values of
	image    *memory.Image // what instances find in their memory; nil where the module says
	state    *state        // the rest of what they begin with; nil where they are initialized one by one
	shelf    *shelf        // instances that wait; nil where none are made ahead of need
}

// Deploy checks and appends a deployment, and puts it in force here at once; other replicas follow. What may not be gets
// a *[scripts.RejectedError]. A copy of an older one is given by its number alone, in copyOf.
func (h *Host) Deploy(ctx context.Context, d scripts.Deployment, ifCurrent *int64) (scripts.Deployment, error) {
	loaded, err := h.load(ctx, d)
	if err != nil {
		return scripts.Deployment{}, err
	}
	// It is loaded anew once it is appended, since another deployment may have come in between. Held until then, its
	// modules need not be compiled again.
	defer func() { _ = h.close(context.WithoutCancel(ctx), loaded) }()
	if d.Scripts == nil {
		d.Scripts = []scripts.Script{}
	}
	d.CreatedAt = h.now()
	d, err = h.config.Deployments.AddDeployment(ctx, d, ifCurrent)
	if err != nil {
		return scripts.Deployment{}, err
	}
	if err := h.refresh(ctx); err != nil {
		// It is appended, so it is in force; Follow tries again.
		h.config.Logger.ErrorContext(ctx, "loading the deployment that was appended", "deployment", d.Number, "error", err)
	}
	return d, nil
}

// load checks a deployment and compiles its modules.
func (h *Host) load(ctx context.Context, d scripts.Deployment) (*deployed, error) {
	if err := check(d.Scripts); err != nil {
		return nil, err
	}
	loaded := &deployed{Deployment: d}
	for _, s := range d.Scripts {
		one, err := h.loadScript(ctx, loaded, s)
		if err != nil {
			_ = h.close(ctx, loaded)
			return nil, about(s, err)
		}
		loaded.scripts = append(loaded.scripts, one)
	}
	loaded.plan = planOf(loaded.acting())
	return loaded, nil
}

// acting are the scripts that act.
func (d *deployed) acting() []*script {
	return slices.DeleteFunc(slices.Clone(d.scripts), (*script).shadow)
}

func (s *script) shadow() bool { return s.Mode == scripts.ModeShadow }

// canary reports whether the script acts for a share of the callers alone.
func (s *script) canary() bool { return isCanary(s.Script) }

// about says which script an error is about. A module that is not there speaks against the deployment.
func about(s scripts.Script, err error) error {
	if errors.Is(err, scripts.ErrNotFound) {
		return scripts.Reject("script %s: there is no module %s: upload it first", s.Name, s.Module)
	}
	if r, ok := errors.AsType[*scripts.RejectedError](err); ok {
		named := &scripts.RejectedError{}
		for _, reason := range r.Reasons {
			named.Reasons = append(named.Reasons, "script "+s.Name+": "+reason)
		}
		return named
	}
	return fmt.Errorf("script %s: %w", s.Name, err)
}

// loadScript compiles a module of the store. What is stored is trusted no more than what was uploaded.
func (h *Host) loadScript(ctx context.Context, d *deployed, s scripts.Script) (*script, error) {
	wasm, err := h.config.Modules.ModuleBytes(ctx, s.Module)
	if err != nil {
		return nil, fmt.Errorf("reading the module %s: %w", s.Module, err)
	}
	if scripts.Digest(wasm) != s.Module {
		return nil, fmt.Errorf("the module %s is stored with other bytes than were uploaded", s.Module)
	}
	if err := h.checkStored(ctx, s.Module, wasm); err != nil {
		return nil, err
	}
	verdict, err := h.Inspect(wasm)
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
	compiled, layout, err := h.compile(ctx, wasm)
	if err != nil {
		return nil, err
	}
	one := &script{Script: s, deployed: d, index: len(d.scripts), compiled: compiled, steps: steps, command: verdict.Command()}
	h.begin(ctx, one, layout)
	return one, nil
}

// check checks what a deployment says of its scripts, without their modules.
func check(list []scripts.Script) error {
	var r scripts.RejectedError
	refuse := func(format string, args ...any) { r.Reasons = append(r.Reasons, fmt.Sprintf(format, args...)) }
	names := map[string]bool{}
	for i, s := range list {
		if !scripts.ValidName(s.Name) {
			refuse("scripts[%d].name %q: a script's name is %s", i, s.Name, scripts.NameRule)
		}
		if names[s.Name] {
			refuse("scripts[%d].name %q stands in the deployment twice", i, s.Name)
		}
		names[s.Name] = true
		if s.Module == "" {
			refuse("scripts[%d].module is missing: the digest of an uploaded module", i)
		}
		if s.Mode != "" && s.Mode != scripts.ModeEnforce && s.Mode != scripts.ModeShadow && s.Mode != scripts.ModeCanary {
			refuse("scripts[%d].mode %q: it must be enforce, shadow or canary", i, s.Mode)
		}
		if s.OnFailure != "" && s.OnFailure != scripts.OnFailureRefuse && s.OnFailure != scripts.OnFailureBase {
			refuse("scripts[%d].on_failure %q: it must be refuse or base", i, s.OnFailure)
		}
		if s.Config != nil && s.Config.Kind() != '{' {
			refuse("scripts[%d].config must be an object", i)
		}
		if len(s.Config) > maxConfig {
			refuse("scripts[%d].config has %d bytes: at most %d are allowed", i, len(s.Config), maxConfig)
		}
		for _, step := range s.FailOpen {
			if !isStep(step) {
				refuse("scripts[%d].fail_open: there is no step %q%s", i, step, didYouMean(step, stepNames()))
			}
		}
		for j, step := range s.Steps {
			if !isStep(step) {
				refuse("scripts[%d].steps: there is no step %q%s", i, step, didYouMean(step, stepNames()))
			}
			if slices.Contains(s.Steps[:j], step) {
				refuse("scripts[%d].steps lists %s twice", i, step)
			}
		}
	}
	if _, err := share(list); err != nil {
		refuse("%v", err)
	}
	if r.Reasons != nil {
		return &r
	}
	return nil
}

// maxConfig bounds a script's configuration, in bytes: as much as a script may write.
const maxConfig = 128 << 10

// checkFallback refuses on_failure base where a caller who makes the script fail would switch a policy off, unless the
// operator lists the steps.
func checkFallback(s scripts.Script, steps []string) error {
	if s.OnFailure != scripts.OnFailureBase {
		return nil
	}
	for _, step := range steps {
		if step != engine.StepAddClientID && step != engine.StepGenerateSecret && !slices.Contains(s.FailOpen, step) {
			return scripts.Reject("on_failure base lets a caller who makes the script fail get past its step %s: use refuse, or list the step under fail_open", step)
		}
	}
	return nil
}

// Load loads the deployment in force. Where it does not load, the one before it stays in place; without one before it,
// registrations fail as unavailable, since none may run without the scripts that are in force.
func (h *Host) Load(ctx context.Context) error { return h.refresh(ctx) }

// Follow loads, every interval, the deployment that has come in force, until ctx is done. What does not load is logged
// once, tried again every time, and shown by [Host.Ready].
func (h *Host) Follow(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		known := h.Ready()
		err := h.refresh(ctx)
		if err != nil && ctx.Err() == nil && (known == nil || known.Error() != err.Error()) {
			h.config.Logger.ErrorContext(ctx, "loading the deployment in force", "error", err)
		}
	}
}

// Ready returns nil once the deployment in force is loaded, else why it is not.
func (h *Host) Ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failed
}

// Current returns the number of the deployment that registrations run through here, false before one is loaded.
func (h *Host) Current() (number int64, loaded bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.current == nil {
		return 0, false
	}
	return h.current.Number, true
}

// refresh puts the deployment in force into place, if it is not.
func (h *Host) refresh(ctx context.Context) error {
	h.loading.Lock()
	defer h.loading.Unlock()

	err := h.replace(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = err
	return err
}

func (h *Host) replace(ctx context.Context) error {
	number, err := h.config.Deployments.CurrentDeploymentNumber(ctx)
	if err != nil {
		return fmt.Errorf("reading the number of the deployment in force: %w", err)
	}
	if current, loaded := h.Current(); loaded && number == current {
		return nil
	}
	d, err := h.config.Deployments.CurrentDeployment(ctx)
	if err != nil {
		return fmt.Errorf("reading the deployment in force: %w", err)
	}
	next, err := h.load(ctx, d)
	if err != nil {
		return fmt.Errorf("loading deployment %d: %w", d.Number, err)
	}
	if next.canary, err = h.loadCanary(ctx, d); err != nil {
		return errors.Join(fmt.Errorf("loading what deployment %d is a canary beside: %w", d.Number, err), h.close(ctx, next))
	}
	h.config.Observer.Deployed(replaced(next))
	for _, d := range next.all() {
		for _, s := range d.acting() {
			h.pool.open(s)
		}
	}
	h.mu.Lock()
	old := h.current
	h.current = next
	var idle []*deployed
	for _, d := range old.all() {
		d.retired = true
		if d.pins == 0 {
			idle = append(idle, d)
		}
	}
	h.mu.Unlock()
	var errs error
	for _, d := range idle {
		errs = errors.Join(errs, h.close(ctx, d))
	}
	return errs
}

// all are the deployments that registrations run through: one, and with a canary the one beside it.
func (d *deployed) all() []*deployed {
	switch {
	case d == nil:
		return nil
	case d.canary == nil:
		return []*deployed{d}
	}
	return []*deployed{d, d.canary.beside}
}

// pin returns the deployment that a registration runs through, which stays until unpin; nil before one is loaded.
func (h *Host) pin() *deployed {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.current != nil {
		h.current.pins++
	}
	return h.current
}

// hold keeps a deployment until unpin, false where another one has taken its place.
func (h *Host) hold(d *deployed) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d.retired {
		return false
	}
	d.pins++
	return true
}

// unpin lets go of a deployment. The last registration of a retired one closes its modules.
func (h *Host) unpin(d *deployed) {
	h.mu.Lock()
	d.pins--
	idle := d.retired && d.pins == 0
	h.mu.Unlock()
	if idle {
		if err := h.close(context.Background(), d); err != nil {
			h.config.Logger.Error("closing a deployment", "deployment", d.Number, "error", err)
		}
	}
}

func (h *Host) close(ctx context.Context, d *deployed) error {
	var errs error
	for _, s := range d.scripts {
		if s.shelf != nil {
			s.shelf.close()
		}
		if err := errors.Join(s.compiled.Close(ctx), s.image.Close()); err != nil {
			errs = errors.Join(errs, fmt.Errorf("closing the module of script %s: %w", s.Name, err))
		}
	}
	return errs
}
