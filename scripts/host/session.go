package host

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"registrar/engine"
	"registrar/hostfuncs"
	"registrar/scripts"
	"registrar/scripts/sandbox"
)

// Overrides returns the steps of a registration: base with the scripts of the deployment in force wrapped around it,
// the first script outermost. The caller must call release when the registration has ended; it releases the instances,
// writes the scripts' log lines and hands the registration to the shadows.
func (h *Host) Overrides(r *engine.Registration, base engine.Steps) (steps engine.Steps, release func()) {
	d := h.pinFor(r.Caller)
	if d == nil {
		none := func(context.Context, *engine.Registration) error {
			return fmt.Errorf("no deployment is loaded: %w", engine.ErrUnavailable)
		}
		base.ValidateSoftwareStatement = none // the first step of all but a rotation
		base.GenerateSecret = none            // the only step of a rotation
		return base, func() {}
	}
	r.Client.Provenance.Deployment = d.Number
	if len(d.scripts) == 0 {
		return base, func() { h.unpin(d) }
	}
	s := newSession(h, d, d.plan, r)
	s.observer = h.config.Observer
	return s.override(base), func() {
		defer h.unpin(d) // whatever panics
		s.close()
		s.writeLog()
		d.overwritten.warn(h, d, r)
		h.shadows.offer(d, r)
	}
}

// A session holds the scripts' instances in one registration, acquired when first needed, and the limits that the
// scripts share.
type session struct {
	host      *Host
	deployed  *deployed
	plan      plan
	r         *engine.Registration
	instances []acquired  // by the script's index in its deployment
	few       [2]acquired // room for instances of most deployments
	// clientExists reports whether a client ID is taken.
	clientExists func(ctx context.Context, id string) (bool, error)
	entropy      hostfuncs.Entropy
	log          hostfuncs.Log
	fuel         int64  // of the registration, what is not yet handed out
	spent        *int64 // fuel of the script's step that ended last
	observer     Observer

	// enterStep observes each run of a step, by a script or, with an empty name, by the built-in step; nil means no
	// observer.
	enterStep func(step, script string) (leave func(spent *int64, err error))
}

// acquired is a session's instance of a script. The instance is nil until it is needed, and after it was released.
type acquired struct {
	instance *sandbox.Instance
	attempt  int // of the registration; see engine.Registration.Attempt
}

func newSession(h *Host, d *deployed, p plan, r *engine.Registration) *session {
	s := &session{
		host:         h,
		deployed:     d,
		plan:         p,
		r:            r,
		clientExists: h.config.ClientExists,
		entropy:      *hostfuncs.NewEntropy(h.config.Random),
		fuel:         d.fuel,
		observer:     unobserved{},
	}
	if n := len(d.scripts); n <= len(s.few) {
		s.instances = s.few[:n]
	} else {
		s.instances = make([]acquired, n)
	}
	return s
}

// A plan lists the steps in the order of a registration, each with the scripts that replace it, outermost first.
type plan []struct {
	engine.Step
	scripts []*script
}

func planOf(list []*script) plan {
	table := engine.StepTable()
	p := make(plan, len(table))
	for n, step := range table {
		p[n].Step = step
		for _, sc := range list {
			if slices.Contains(sc.steps, step.Name) {
				p[n].scripts = append(p[n].scripts, sc)
			}
		}
	}
	return p
}

// override returns base with the scripts wrapped around the steps that they replace.
func (s *session) override(base engine.Steps) engine.Steps {
	for n := range s.plan {
		step := &s.plan[n]
		if step.scripts == nil && s.enterStep == nil {
			continue
		}
		field := step.Field(&base)
		if s.enterStep != nil {
			*field = s.observed(step.Name, "", *field)
		}
		for _, sc := range slices.Backward(step.scripts) {
			inner := *field
			*field = func(ctx context.Context, r *engine.Registration) error {
				return s.run(ctx, sc, step.Name, inner)
			}
			if s.enterStep != nil {
				*field = s.observed(step.Name, sc.Name, *field)
			}
		}
	}
	// Release the instances before the client is stored: no later step needs them, and other registrations do. If the
	// client ID turns out to be taken, the steps run again on fresh instances.
	last := base.BuildResponse
	base.BuildResponse = func(ctx context.Context, r *engine.Registration) error {
		err := last(ctx, r)
		s.close()
		return err
	}
	return base
}

func (s *session) observed(step, script string, f engine.StepFunc) engine.StepFunc {
	return func(ctx context.Context, r *engine.Registration) error {
		leave := s.enterStep(step, script)
		s.spent = nil
		err := f(ctx, r)
		spent := s.spent
		if script == "" {
			spent = nil // a built-in step uses no fuel
		}
		leave(spent, err)
		return err
	}
}

// run runs a step of one script. It undoes the script's changes unless the script returned 0.
func (s *session) run(ctx context.Context, sc *script, step string, base engine.StepFunc) error {
	f := newFrame()
	defer f.free()
	s.r.SnapshotTo(&f.entry)
	end, err := s.traced(ctx, sc, step, base, f)
	s.observer.StepEnded(sc.Name, end)
	if err == nil {
		s.r.Client.Provenance.Acts = append(s.roomForActs(), engine.Act{
			Step: step, Script: sc.Name, Module: sc.Module, Changed: f.changed(s.r), Request: f.patchedRequest(s.r)})
		return nil
	}
	s.r.Restore(&f.entry)
	failure, failed := errors.AsType[*ScriptError](err)
	own := failed && failure.Script == sc.Name && failure.Step == end.Step
	if own && s.r.Mode == engine.ModeEnforce {
		s.host.failedFor(s.deployed, sc, s.r.Caller, end.Failure)
	}
	if !own || sc.OnFailure != scripts.OnFailureBase {
		return err
	}
	if s.r.Mode != engine.ModeReplay { // a replay would log it for each registration
		s.host.config.Logger.WarnContext(ctx, "script failed, running the step that it replaced", "script", sc.Name,
			"module", sc.Module, "step", failure.Step, "reason", failure.Reason, "request_id", s.r.Request.ID)
	}
	return base(ctx, s.r)
}

// roomForActs returns the client's acts so far, with room for one of each script's step. Restore of the registration
// drops what is left of the room, so that no act is overwritten that another copy of the client holds.
func (s *session) roomForActs() []engine.Act {
	if acts := s.r.Client.Provenance.Acts; acts != nil {
		return acts
	}
	n := 0
	for i := range s.plan {
		n += len(s.plan[i].scripts)
	}
	return make([]engine.Act, 0, n)
}

// traced is enter within Config.Trace.
func (s *session) traced(
	ctx context.Context, sc *script, step string, base engine.StepFunc, f *frame,
) (scripts.StepEnd, error) {
	trace := s.host.config.Trace
	if trace == nil || s.r.Mode != engine.ModeEnforce {
		return s.enter(ctx, sc, step, base, f)
	}
	within, ended := trace(ctx, sc.Name, sc.Module, step)
	end, err := s.enter(within, sc, step, base, f)
	ended(end)
	return end, err
}

// enter calls the guest. It returns nil, a *RefusalError or the refusal of the base, a *ScriptError, or an error that
// is not the script's fault. f records what the base did.
func (s *session) enter(
	ctx context.Context, sc *script, step string, base engine.StepFunc, f *frame,
) (end scripts.StepEnd, err error) {
	end = scripts.StepEnd{Step: step, Outcome: scripts.OutcomeFailed}
	i, err := s.instance(ctx, sc)
	if err != nil {
		err = s.classify(ctx, sc, &end, err)
		return end, err
	}
	m, call := &f.meter, &f.call
	*m = sandbox.NewMeter(&s.fuel, sc.Fuel)
	*call = hostfuncs.Call{
		Registration: s.r,
		Step:         step,
		Script:       sc.Name,
		Mode:         s.mode(sc),
		Config:       sc.Config,
		Now:          s.r.Now,
		Base:         func() error { return s.base(ctx, base, f) },
		ClientExists: s.clientExists,
		Entropy:      &s.entropy,
		Log:          &s.log,
	}
	result, err := i.Run(ctx, m, call)
	end.Entered, end.Fuel, end.Elapsed = m.Entered(), m.Fuel(), m.Elapsed()
	if end.Entered {
		s.noteSpent(end.Fuel)
	}
	if err != nil {
		err = s.classify(ctx, sc, &end, err)
		if f.baseErr != nil && !refused(f.baseErr) {
			end.Outcome, end.Failure = scripts.OutcomeAborted, ""
		}
		return end, err
	}
	switch result {
	case sandbox.Done:
		end.Outcome = scripts.OutcomeDone
		return end, nil
	case sandbox.Refused:
		end.Outcome = scripts.OutcomeRefused
		return end, s.refusal(sc, step, call.Refusal(), f.baseErr)
	}
	end.Failure = scripts.FailureContract
	reason := fmt.Sprintf("it returned %d: a step returns 0 for done and 1 for refused", int32(result))
	return end, s.failure(sc, step, reason)
}

// noteSpent records the fuel of a script's step, for enterStep.
func (s *session) noteSpent(fuel int64) {
	if s.enterStep != nil {
		s.spent = new(fuel)
	}
}

// mode returns the mode of this registration that a script reads from its context.
func (s *session) mode(sc *script) hostfuncs.Mode {
	switch {
	case s.r.Mode != engine.ModeEnforce:
		return hostfuncs.Mode(s.r.Mode)
	case sc.IsCanary():
		return hostfuncs.ModeCanary
	}
	return hostfuncs.ModeEnforce
}

// base runs the step that a script replaced. It undoes the changes of a base that fails, so that a script which
// overrules a refusal does not inherit half a step.
func (s *session) base(ctx context.Context, base engine.StepFunc, f *frame) error {
	f.meter.Pause()
	defer f.meter.Resume()
	before := &f.entry
	if f.early = !f.entry.Current(s.r); f.early {
		before = &f.before
		s.r.SnapshotTo(before)
	}
	f.baseErr = base(ctx, s.r)
	if f.baseErr != nil {
		s.r.Restore(before)
	}
	s.r.ForgetDocument()
	s.r.SnapshotTo(&f.after)
	f.baseRan = true
	return f.baseErr
}

// instance returns the script's instance in this registration. It acquires a fresh one if there is none, if the last
// one broke, or if the registration is repeated because its client ID was taken.
func (s *session) instance(ctx context.Context, sc *script) (*sandbox.Instance, error) {
	has := &s.instances[sc.index]
	if i := has.instance; i != nil {
		if !i.Broken() && has.attempt == s.r.Attempt() {
			return i, nil
		}
		i.Close()
		*has = acquired{}
	}
	i, err := sc.module.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	s.log.Adopt(i.Log())
	*has = acquired{i, s.r.Attempt()}
	return i, nil
}

// close releases the instances.
func (s *session) close() {
	for n := range s.instances {
		if i := s.instances[n].instance; i != nil {
			s.instances[n] = acquired{}
			i.Release()
		}
	}
}
