package host

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/hostfuncs"
	"registrar/scripts"
)

// DryRun runs a registration through a list of scripts, nil meaning those in force, and stores nothing. A registration
// that is refused or fails is a result, not an error, and so is one that takes longer than Config.RegistrationTimeout.
// DryRun returns a *[scripts.RejectedError] if the list is invalid, and an error if ctx has ended.
func (h *Host) DryRun(
	ctx context.Context, e *engine.Engine, request *engine.Request, caller *engine.Caller, list []scripts.Script,
) (scripts.DryRun, error) {
	d, release, err := h.borrow(ctx, list)
	if err != nil {
		return scripts.DryRun{}, err
	}
	defer release()
	var t tracer
	bounded, cancel := context.WithTimeout(ctx, h.config.RegistrationTimeout)
	defer cancel()
	r, err := e.Preview(bounded, request, caller, func(r *engine.Registration, base engine.Steps) (engine.Steps,
		func()) {
		r.Client.Provenance.Deployment = d.Number
		t.session = newSession(h, d, d.plan, r)
		t.session.enterStep = t.enter
		return t.session.override(base), t.session.close
	})
	if ctx.Err() != nil {
		return scripts.DryRun{}, fmt.Errorf("running a registration: %w", ctx.Err())
	}
	if t.session == nil {
		return scripts.DryRun{}, err // it ended before the first step
	}
	return t.result(r, err), nil
}

// borrow returns a deployment of a list of scripts, nil meaning the deployment in force. release ends its use.
func (h *Host) borrow(ctx context.Context, list []scripts.Script) (d *deployed, release func(), err error) {
	if list != nil {
		d, err = h.loadGiven(ctx, list)
		return d, func() { _ = h.close(context.WithoutCancel(ctx), d) }, err
	}
	if d = h.pin(); d == nil {
		return nil, nil, fmt.Errorf("no deployment is loaded: %w", engine.ErrUnavailable)
	}
	return d, func() { h.unpin(d) }, nil
}

// loadGiven loads scripts that a caller brings, which are bounded as a deployment is.
func (h *Host) loadGiven(ctx context.Context, list []scripts.Script) (*deployed, error) {
	d := scripts.Deployment{Scripts: list}
	if err := checkBounds(d); err != nil {
		return nil, err
	}
	return h.load(ctx, d)
}

// A tracer records the runs of a registration's steps. The time of a nested run does not count for the outer one.
type tracer struct {
	session *session
	steps   []*tracedStep // in the order in which they began
	open    []*tracedStep // those that are running, outermost first
}

type tracedStep struct {
	scripts.StepTrace
	elapsed time.Duration
	since   time.Time

	request     jsontext.Value       // at the beginning
	overwritten []engine.Overwritten // at the beginning
}

func (t *tracer) enter(step, script string) (leave func(*int64, error)) {
	if n := len(t.open); n > 0 {
		t.open[n-1].stop()
	}
	one := &tracedStep{StepTrace: scripts.StepTrace{Step: step, Script: script, Before: t.document()},
		since: time.Now(), request: t.session.r.Request.Raw, overwritten: t.session.r.Overwritten()}
	t.steps = append(t.steps, one)
	t.open = append(t.open, one)
	return func(spent *int64, err error) {
		one.stop()
		one.Fuel = spent
		one.Outcome = outcome(err)
		one.Microseconds = one.elapsed.Microseconds()
		one.Changes = mergePatch(one.Before, t.document())
		t.compare(one)
		t.open = t.open[:len(t.open)-1]
		if n := len(t.open); n > 0 {
			t.open[n-1].since = time.Now()
		}
	}
}

func (s *tracedStep) stop() { s.elapsed += time.Since(s.since) }

func outcome(err error) scripts.Outcome {
	if err == nil {
		return scripts.OutcomeDone
	}
	if refused(err) {
		return scripts.OutcomeRefused
	}
	return scripts.OutcomeFailed
}

// document returns the client as built so far, or {} if it cannot be marshalled.
func (t *tracer) document() jsontext.Value {
	document, err := t.session.r.Client.Document()
	if err != nil {
		return jsontext.Value("{}")
	}
	return document
}

// compare notes what a step that has ended changed in the request, and what it overwrote if it is a built-in one.
func (t *tracer) compare(one *tracedStep) {
	if raw := t.session.r.Request.Raw; !bytes.Equal(one.request, raw) {
		one.Request = mergePatch(one.request, raw)
	}
	if one.Script != "" {
		return
	}
	for _, w := range t.session.r.Overwritten() {
		if w.By == one.Step && !slices.Contains(one.overwritten, w) {
			one.Overwrote = append(one.Overwrote, scripts.Overwrite{Member: w.Member, Script: w.Script, Step: w.Step})
		}
	}
}

// mergePatch returns how two objects differ, as a merge patch; {} if they do not.
func mergePatch(before, after jsontext.Value) jsontext.Value {
	if bytes.Equal(before, after) {
		return jsontext.Value("{}") // without parsing both
	}
	patch, err := jsonpatch.CreateMergePatch(before, after)
	if err != nil {
		return jsontext.Value("{}")
	}
	return patch
}

func (t *tracer) result(r *engine.Registration, err error) scripts.DryRun {
	run := scripts.DryRun{Outcome: outcome(err), Steps: []scripts.StepTrace{}, Dropped: t.session.log.Dropped()}
	if err == nil {
		run.Outcome = scripts.OutcomeRegistered
		run.Response = r.Response
	} else {
		run.Error = explain(err)
	}
	t.session.noteSecrets()
	lines := t.session.log.Lines()
	for _, s := range t.steps {
		s.Log = logOf(s.Script, s.Step, lines)
		run.Steps = append(run.Steps, s.StepTrace)
	}
	return run
}

// logOf returns the lines that a script logged in a step. The built-in steps log nothing.
func logOf(script, step string, lines []hostfuncs.Line) []string {
	log := []string{}
	for _, line := range lines {
		if line.Script == script && script != "" && line.Step == step {
			log = append(log, line.Text)
		}
	}
	return log
}
