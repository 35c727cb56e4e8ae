package host

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/scripts"
)

// A ShadowStore keeps what scripts in shadow mode would have done.
type ShadowStore interface {
	// AddShadow adds counts and differences to those of the script in the deployment.
	AddShadow(ctx context.Context, add scripts.Shadow) error
}

const (
	// shadowQueue bounds the registrations that wait for shadows. What is more is counted as dropped.
	shadowQueue = 256
	// shadowRest is how often as long as a shadow took its worker rests: it has a tenth of one core.
	shadowRest = 9
	// shadowTime bounds one shadow.
	shadowTime = 10 * time.Second
	// shadowFlush is how often what came of shadows is stored.
	shadowFlush = time.Second
)

// shadows runs scripts in shadow mode: each registration that they are meant for once more, when it has ended, with the
// script in its place. One worker with a small share of the machine does so, that registrations do not wait for it.
type shadows struct {
	host  *Host
	jobs  chan shadowJob
	stop  context.CancelFunc
	ended sync.WaitGroup

	mu      sync.Mutex
	pending map[shadowKey]*scripts.Shadow // what is not stored yet
}

type shadowKey struct {
	deployment int64
	script     string
}

// A shadowJob is a registration that has ended, and the deployment that it ran through, which is held.
type shadowJob struct {
	deployed *deployed
	r        *engine.Registration
	outcome  error
}

func newShadows(h *Host) *shadows {
	ctx, stop := context.WithCancel(context.Background())
	s := &shadows{host: h, jobs: make(chan shadowJob, shadowQueue), stop: stop, pending: map[shadowKey]*scripts.Shadow{}}
	s.ended.Go(func() { s.work(ctx) })
	return s
}

// offer hands a registration that has ended to the shadows of its deployment. One that the server cut off shows
// nothing.
func (s *shadows) offer(d *deployed, r *engine.Registration) {
	if !slices.ContainsFunc(d.scripts, (*script).shadow) || r.Mode != engine.ModeEnforce {
		return
	}
	outcome := r.Outcome()
	for _, cutOff := range []error{engine.ErrUnavailable, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(outcome, cutOff) {
			return
		}
	}
	if !s.host.hold(d) {
		return
	}
	ended := *r
	ended.Secret, ended.Token, ended.Response, ended.Items = "", "", nil, nil // they are not compared
	select {
	case s.jobs <- shadowJob{deployed: d, r: &ended, outcome: outcome}:
	default:
		for _, sc := range d.scripts {
			if sc.shadow() {
				s.count(d, sc, func(n *scripts.Shadow) { n.Dropped++ })
			}
		}
		s.host.unpin(d)
	}
}

// count changes what is to be stored of a script.
func (s *shadows) count(d *deployed, sc *script, change func(*scripts.Shadow)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := shadowKey{d.Number, sc.Name}
	if s.pending[key] == nil {
		s.pending[key] = &scripts.Shadow{Deployment: key.deployment, Script: sc.Name, Module: sc.Module}
	}
	change(s.pending[key])
}

func (s *shadows) work(ctx context.Context) {
	flush := time.NewTicker(shadowFlush)
	defer flush.Stop()
	rest := time.NewTimer(0)
	defer rest.Stop()
	var jobs chan shadowJob // nil while the worker rests
	for {
		select {
		case <-ctx.Done():
			return
		case <-flush.C:
			s.flush(ctx)
		case <-rest.C:
			jobs = s.jobs
		case job := <-jobs:
			start := time.Now()
			s.run(ctx, job)
			s.host.unpin(job.deployed)
			jobs = nil
			rest.Reset(shadowRest * time.Since(start))
		}
	}
}

// run takes a registration through each script that is in shadow mode, beside those that act.
func (s *shadows) run(ctx context.Context, job shadowJob) {
	ctx, cancel := context.WithTimeout(ctx, shadowTime)
	defer cancel()
	for _, sc := range job.deployed.scripts {
		if !sc.shadow() {
			continue
		}
		others := func(other *script) bool { return other.shadow() && other != sc }
		plan := planOf(slices.DeleteFunc(slices.Clone(job.deployed.scripts), others))
		overrides := func(r *engine.Registration, base engine.Steps) (engine.Steps, func()) {
			r.Client.Provenance.Deployment = job.deployed.Number
			one := newSession(s.host, job.deployed, plan, r)
			return one.override(base), one.close
		}
		again, err := job.r.Rerun(ctx, engine.ModeShadow, overrides)
		if ctx.Err() != nil || errors.Is(err, engine.ErrUnavailable) {
			s.count(job.deployed, sc, func(n *scripts.Shadow) { n.Dropped++ })
			continue
		}
		s.compare(sc, job, again, err)
	}
}

// flush stores what came of shadows. What cannot be stored is lost: it is for people to look at, and more will come.
func (s *shadows) flush(ctx context.Context) {
	s.mu.Lock()
	pending := s.pending
	s.pending = map[shadowKey]*scripts.Shadow{}
	s.mu.Unlock()
	for _, add := range pending {
		if s.host.config.Shadows == nil {
			continue
		}
		if err := s.host.config.Shadows.AddShadow(ctx, *add); err != nil && ctx.Err() == nil {
			s.host.config.Logger.ErrorContext(ctx, "storing what a script in shadow mode would have done",
				"script", add.Script, "error", err)
		}
	}
}

// close ends the worker, and lets go of what it did not come to.
func (s *shadows) close(ctx context.Context) {
	s.stop()
	s.ended.Wait()
	s.flush(ctx)
	for {
		select {
		case job := <-s.jobs:
			s.host.unpin(job.deployed)
		default:
			return
		}
	}
}

// compare counts how a registration would have ended, and keeps what would have been different.
func (s *shadows) compare(sc *script, job shadowJob, again *engine.Registration, err error) {
	c, failed := Compare(Ending{Client: job.r.Client, Err: job.outcome}, Ending{Client: again.Client, Err: err})
	if failed != nil {
		s.host.config.Logger.Error("comparing what a script in shadow mode would have done",
			"script", sc.Name, "error", failed)
		return
	}
	if c.Same() {
		s.count(job.deployed, sc, func(n *scripts.Shadow) { n.Same++ })
		return
	}
	if c.Error != nil {
		// A script may say in its refusal what the client sent.
		c.Error.Description = withoutUnlisted(c.Error.Description, job.r.Request)
	}
	changes, failed := json.Marshal(c)
	if failed != nil {
		return // it is made of what was JSON
	}
	difference := scripts.ShadowDifference{At: job.r.Now, Outcome: shadowOutcome(c), Changes: changes}
	s.count(job.deployed, sc, func(n *scripts.Shadow) {
		switch difference.Outcome {
		case shadowFailed:
			n.Failed++
		case shadowRefused:
			n.Refused++
		default:
			n.Changed++
		}
		if len(n.Differences) < maxPending {
			n.Differences = append(n.Differences, difference)
		}
	})
}

const (
	shadowChanged = "changed"
	shadowRefused = "refused"
	shadowFailed  = "failed"
	// maxPending bounds the differences of a script that wait to be stored.
	maxPending = 1000
)

func shadowOutcome(c scripts.Comparison) string {
	switch {
	case c.Is == scripts.OutcomeFailed:
		return shadowFailed
	case c.Is == scripts.OutcomeRefused && c.Was == scripts.OutcomeRegistered:
		return shadowRefused
	}
	return shadowChanged
}

// minBlotted is the length of the shortest value that is taken for one.
const minBlotted = 4

// withoutUnlisted blots the values of a request's unlisted members and of its secret out of a text.
func withoutUnlisted(text string, request *engine.Request) string {
	var members map[string]jsontext.Value
	if json.Unmarshal(request.Raw, &members) != nil {
		return text
	}
	for name, value := range members {
		if engine.KnownMember(name) && !engine.Reserved(name) {
			continue
		}
		for _, s := range stringsIn(value) {
			if len(s) >= minBlotted {
				text = strings.ReplaceAll(text, s, "[redacted]")
			}
		}
	}
	return text
}

// stringsIn returns the strings in a value, and its numbers as they are written.
func stringsIn(value jsontext.Value) (list []string) {
	d := jsontext.NewDecoder(bytes.NewReader(value))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return list
		}
		if k := token.Kind(); k == '"' || k == '0' {
			list = append(list, token.String())
		}
	}
}
