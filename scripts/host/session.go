package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/tetratelabs/wazero/api"

	"registrar/engine"
	"registrar/hostfuncs"
	"registrar/scripts"
)

// Overrides returns the steps of one registration: those that scripts of the deployment in force replace, wrapped around
// the built-in ones, the first script outermost. release ends the registration's instances and writes its log.
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

// A session is the scripts of one registration: their instances, taken when first needed, and what they share.
type session struct {
	host      *Host
	plan      plan
	r         *engine.Registration
	instances []*instance // by the script's index in its deployment; nil until needed, and once they are given back
	// clientExists reports whether a client ID is taken.
	clientExists func(ctx context.Context, id string) (bool, error)
	entropy      *hostfuncs.Entropy
	log          hostfuncs.Log
	fuel         int64  // of the registration that is not handed out
	spent        *int64 // by the step of a script that ended last
	observer     Observer
	entry        entry // for the outermost step; those that its base comes to have their own
	entered      bool

	// enterStep is told of each layer of a step, a script or the built-in step under an empty name; nil where nobody
	// watches.
	enterStep func(step, script string) (leave func(spent *int64, err error))
}

func newSession(h *Host, d *deployed, p plan, r *engine.Registration) *session {
	return &session{
		host:         h,
		plan:         p,
		r:            r,
		instances:    make([]*instance, len(d.scripts)),
		clientExists: h.config.ClientExists,
		entropy:      hostfuncs.NewEntropy(h.config.Random),
		fuel:         h.config.RegistrationFuel,
		observer:     unobserved{},
	}
}

// A plan is every step in the order of a registration, with the scripts that replace it, outermost first.
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
	// After this step none needs the scripts, but the client has yet to be stored, and others wait for instances. Where its
	// ID is taken, the steps run again on fresh ones.
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

// A Failure is a script that did not do its step. It is neither the client's fault nor the server's.
type Failure struct {
	Script string // its name in the deployment
	Module string // the digest of its module
	Step   string
	Reason string // never holds a secret
}

// Error names the script, its module, the step and the reason.
func (f *Failure) Error() string {
	return fmt.Sprintf("script %s (%s) failed in %s: %s", f.Script, f.Module, f.Step, f.Reason)
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
	failure, failed := errors.AsType[*Failure](err)
	own := failed && failure.Script == sc.Name && failure.Step == step
	if own && s.r.Mode == engine.ModeEnforce {
		s.host.failedFor(sc, s.r.Caller)
	}
	if !own || sc.OnFailure != scripts.OnFailureBase {
		return err
	}
	if s.r.Mode != engine.ModeReplay { // which would say it of each registration
		s.host.config.Logger.WarnContext(ctx, "a script failed, so what it replaced runs", "script", sc.Name, "module", sc.Module, "step", step,
			"reason", failure.Reason, "request_id", s.r.Request.ID)
	}
	return base(ctx, s.r)
}

// enter calls the guest and says what came of it: nil, an *engine.Error, a *Failure, or another error that is not the
// script's own. inner is set where the base ran.
func (s *session) enter(ctx context.Context, sc *script, step string, base engine.StepFunc, inner **interlude) (end scripts.StepEnd, err error) {
	end = scripts.StepEnd{Step: step, Outcome: scripts.OutcomeFailed}
	i, err := s.instance(ctx, sc)
	if err != nil {
		err = s.classify(ctx, sc, &end, nil, err)
		return end, err
	}
	e, leave := s.newEntry()
	defer leave()
	m, call := &e.meter, &e.call
	*m = meter{request: ctx, fuel: i.fuel, step: s.host.config.StepFuel, shared: &s.fuel, limit: s.host.config.StepTimeout}
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
	if sc.command {
		return s.runCommand(ctx, sc, i, m, call)
	}
	result, err := i.call(m, call, step)
	end.Entered, end.Fuel, end.Elapsed = true, s.host.config.StepFuel-m.step, m.used
	s.noteSpent(end.Fuel)
	if err != nil {
		err = s.classify(ctx, sc, &end, i, err)
		if baseFailed {
			end.Outcome, end.Failure = scripts.OutcomeAborted, ""
		}
		return end, err
	}
	switch result {
	case 0:
		end.Outcome = scripts.OutcomeDone
		return end, nil
	case 1:
		end.Outcome = scripts.OutcomeRefused
		return end, call.Refusal()
	}
	i.broken = true
	end.Failure = scripts.FailureContract
	return end, s.failure(sc, step, fmt.Sprintf("it returned %d: a step returns 0 for done and 1 for refused", api.DecodeI32(uint64(result))))
}

// An entry is what the host keeps of one entry into a guest.
type entry struct {
	meter meter
	call  hostfuncs.Call
}

// newEntry returns an entry that is of use until leave is called.
func (s *session) newEntry() (e *entry, leave func()) {
	if s.entered {
		return &entry{}, func() {}
	}
	s.entered = true
	return &s.entry, s.leave
}

func (s *session) leave() { s.entered = false }

// noteSpent notes what the step of a script used, for who watches.
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
func (s *session) base(ctx context.Context, m *meter, base engine.StepFunc, inner **interlude) error {
	m.settle()
	defer m.grant()
	entry := s.r.Snapshot()
	err := base(ctx, s.r)
	if err != nil {
		s.r.Restore(entry)
	}
	*inner = &interlude{before: entry, after: s.r.Snapshot()}
	return err
}

func (s *session) failure(sc *script, step, reason string) *Failure {
	return &Failure{Script: sc.Name, Module: sc.Module, Step: step, Reason: reason}
}

// classify says whose fault it was that a guest did not return, and notes it in end. There is no instance where none
// could be had.
func (s *session) classify(ctx context.Context, sc *script, end *scripts.StepEnd, i *instance, err error) error {
	if base, ok := errors.AsType[*hostfuncs.BaseFailure](err); ok {
		end.Failure = scripts.FailureHost
		return base.Err
	}
	if _, overran := errors.AsType[*overrun](err); overran {
		end.Failure = scripts.FailureClock
		return fmt.Errorf("script %s (%s) in %s: %w", sc.Name, sc.Module, end.Step, err)
	}
	if cause := ctx.Err(); cause != nil {
		end.Outcome = scripts.OutcomeAborted
		return fmt.Errorf("script %s in %s: %w", sc.Name, end.Step, cause)
	}
	end.Failure = s.host.kindOf(err, i)
	return s.failure(sc, end.Step, describe(err))
}

// close gives the instances back.
func (s *session) close() {
	for n, i := range s.instances {
		if i != nil {
			s.instances[n] = nil
			s.host.pool.give(i)
		}
	}
}

// writeLog writes the lines of the scripts, now that it is known what they must not show.
func (s *session) writeLog() {
	if s.log.Len() == 0 && s.log.Dropped() == 0 {
		return
	}
	s.noteSecrets()
	logger := s.host.config.Logger.With("request_id", s.r.Request.ID)
	levels := [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
	ctx := context.Background()
	for _, line := range s.log.Lines() {
		logger.Log(ctx, levels[line.Level], "script log", "script", line.Script, "step", line.Step, "line", line.Text)
	}
	if n := s.log.Dropped(); n > 0 {
		logger.WarnContext(ctx, "script log lines dropped", "lines", n)
	}
}

// noteSecrets notes what no line may show: the client's secret, and secrets that the client itself sent.
func (s *session) noteSecrets() {
	s.log.Secret(s.r.Secret.Reveal())
	s.log.Secret(s.r.Token.Reveal())
	var sent struct {
		ClientSecret            string `json:"client_secret"`
		RegistrationAccessToken string `json:"registration_access_token"`
	}
	if json.Unmarshal(s.r.Request.Raw, &sent) == nil {
		s.log.Secret(sent.ClientSecret)
		s.log.Secret(sent.RegistrationAccessToken)
	}
}

// instance returns the script's instance in this registration, a fresh one where there is none, the last one broke, or
// the registration is repeated because its client ID was taken.
func (s *session) instance(ctx context.Context, sc *script) (*instance, error) {
	i := s.instances[sc.index]
	if i != nil && !i.broken && i.attempt == s.r.Attempt() {
		return i, nil
	}
	if i != nil {
		i.close()
		s.instances[sc.index] = nil
	}
	i, err := s.host.pool.take(ctx, sc)
	if err != nil {
		return nil, err
	}
	s.log.Adopt(i.log)
	i.attempt = s.r.Attempt()
	s.instances[sc.index] = i
	return i, nil
}
