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

// Overrides returns the steps of one registration: those that scripts of the deployment in force replace, wrapped
// around the built-in ones, the first script outermost. release ends the registration's instances and writes its log.
func (h *Host) Overrides(r *engine.Registration, base engine.Steps) (steps engine.Steps, release func()) {
	d := h.pinFor(r.Caller)
	if d == nil {
		base.ValidateSoftwareStatement = func(context.Context, *engine.Registration) error {
			return fmt.Errorf("no deployment is loaded: %w", engine.ErrUnavailable)
		}
		return base, func() {}
	}
	r.Client.Provenance.Deployment = d.Number
	if len(d.scripts) == 0 {
		return base, func() { h.unpin(d) }
	}
	s := newSession(h, d, d.plan, r)
	s.observer = h.config.Observer
	return s.override(base), func() {
		s.close()
		s.writeLog()
		h.shadows.offer(d, r)
		h.unpin(d)
	}
}

// A session is the scripts of one registration: their instances, acquired when first needed, and what they share.
type session struct {
	host      *Host
	deployed  *deployed
	plan      plan
	r         *engine.Registration
	instances []acquired // by the script's index in its deployment
	// clientExists reports whether a client ID is taken.
	clientExists func(ctx context.Context, id string) (bool, error)
	entropy      *hostfuncs.Entropy
	log          hostfuncs.Log
	fuel         int64  // of the registration that is not handed out
	spent        *int64 // by the script's step that ended last
	observer     Observer
	entry        entry // for the outermost step; those that its base comes to have their own
	entered      bool

	// enterStep observes each layer of a step: a script, or the built-in step under an empty name. nil observes nothing.
	enterStep func(step, script string) (leave func(spent *int64, err error))
}

// acquired is the instance that a session has of a script, nil until it is needed, and once it is given back.
type acquired struct {
	instance *sandbox.Instance
	attempt  int // of the registration; see engine.Registration.Attempt
}

func newSession(h *Host, d *deployed, p plan, r *engine.Registration) *session {
	return &session{
		host:         h,
		deployed:     d,
		plan:         p,
		r:            r,
		instances:    make([]acquired, len(d.scripts)),
		clientExists: h.config.ClientExists,
		entropy:      hostfuncs.NewEntropy(h.config.Random),
		fuel:         h.config.RegistrationFuel,
		observer:     unobserved{},
	}
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

// override wraps the scripts around the steps that they export, innermost first.
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
	// No later step needs the scripts, but the client has yet to be stored, and other registrations wait for instances.
	// Where its ID is taken, the steps run again on fresh ones.
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
			spent = nil // a built-in step uses none
		}
		leave(spent, err)
		return err
	}
}

// run runs a step of one script. What the script did counts only where it returned 0.
func (s *session) run(ctx context.Context, sc *script, step string, base engine.StepFunc) error {
	entry := s.r.Snapshot()
	var inner *interlude
	end, err := s.enter(ctx, sc, step, base, &inner)
	s.observer.StepEnded(sc.Name, end)
	if err == nil {
		s.r.Client.Provenance.Acts = append(slices.Clip(s.r.Client.Provenance.Acts), engine.Act{
			Step: step, Script: sc.Name, Module: sc.Module, Changed: s.changed(&entry, inner)})
		return nil
	}
	s.r.Restore(entry)
	failure, failed := errors.AsType[*ScriptError](err)
	own := failed && failure.Script == sc.Name && failure.Step == step
	if own && s.r.Mode == engine.ModeEnforce {
		s.host.failedFor(s.deployed, sc, s.r.Caller)
	}
	if !own || sc.OnFailure != scripts.OnFailureBase {
		return err
	}
	if s.r.Mode != engine.ModeReplay { // which would log it for each registration
		s.host.config.Logger.WarnContext(ctx, "a script failed, so what it replaced runs", "script", sc.Name,
			"module", sc.Module, "step", step, "reason", failure.Reason, "request_id", s.r.Request.ID)
	}
	return base(ctx, s.r)
}

// enter calls the guest and returns nil, an *engine.Error, a *ScriptError, or another error that is not the script's
// own. inner is set where the base ran.
func (s *session) enter(
	ctx context.Context, sc *script, step string, base engine.StepFunc, inner **interlude,
) (end scripts.StepEnd, err error) {
	end = scripts.StepEnd{Step: step, Outcome: scripts.OutcomeFailed}
	i, err := s.instance(ctx, sc)
	if err != nil {
		err = s.classify(ctx, sc, &end, err)
		return end, err
	}
	e, leave := s.newEntry()
	defer leave()
	m, call := &e.meter, &e.call
	*m = sandbox.NewMeter(&s.fuel)
	baseFailed := false
	*call = hostfuncs.Call{
		Registration: s.r,
		Step:         step,
		Script:       sc.Name,
		Mode:         s.mode(sc),
		Config:       sc.Config,
		Now:          s.r.Now,
		Base: func() error {
			err := s.base(ctx, m, base, inner)
			_, refused := errors.AsType[*engine.Error](err)
			baseFailed = err != nil && !refused
			return err
		},
		ClientExists: s.clientExists,
		Entropy:      s.entropy,
		Log:          &s.log,
	}
	result, err := i.Run(ctx, m, call)
	end.Entered, end.Fuel, end.Elapsed = m.Entered(), m.Fuel(), m.Elapsed()
	if end.Entered {
		s.noteSpent(end.Fuel)
	}
	if err != nil {
		err = s.classify(ctx, sc, &end, err)
		if baseFailed {
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
		return end, call.Refusal()
	}
	end.Failure = scripts.FailureContract
	reason := fmt.Sprintf("it returned %d: a step returns 0 for done and 1 for refused", int32(result))
	return end, s.failure(sc, step, reason)
}

// An entry is what the host keeps of one entry into a guest.
type entry struct {
	meter sandbox.Meter
	call  hostfuncs.Call
}

// newEntry returns an entry that may be used until leave is called.
func (s *session) newEntry() (e *entry, leave func()) {
	if s.entered {
		return &entry{}, func() {}
	}
	s.entered = true
	return &s.entry, s.leave
}

func (s *session) leave() { s.entered = false }

// noteSpent notes what a script's step used, for enterStep.
func (s *session) noteSpent(fuel int64) {
	if s.enterStep != nil {
		s.spent = new(fuel)
	}
}

// mode returns what a script is told of how far its result counts in this registration.
func (s *session) mode(sc *script) hostfuncs.Mode {
	switch {
	case s.r.Mode != engine.ModeEnforce:
		return hostfuncs.Mode(s.r.Mode)
	case sc.canary():
		return hostfuncs.ModeCanary
	}
	return hostfuncs.ModeEnforce
}

// base runs what a script replaced, on the working copy. A refusal leaves the copy as it was, so that a script which
// overrules it does not inherit half a step.
func (s *session) base(ctx context.Context, m *sandbox.Meter, base engine.StepFunc, inner **interlude) error {
	m.Pause()
	defer m.Resume()
	entry := s.r.Snapshot()
	err := base(ctx, s.r)
	if err != nil {
		s.r.Restore(entry)
	}
	*inner = &interlude{before: entry, after: s.r.Snapshot()}
	return err
}

// instance returns the script's instance in this registration: a fresh one where there is none, the last one broke, or
// the registration is repeated because its client ID was taken.
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

// close gives the instances back.
func (s *session) close() {
	for n := range s.instances {
		if i := s.instances[n].instance; i != nil {
			s.instances[n] = acquired{}
			i.Release()
		}
	}
}
