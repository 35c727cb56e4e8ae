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
	"registrar/internal/guard"
	"registrar/scripts"
)

// A ShadowStore keeps the results of scripts in shadow mode.
type ShadowStore interface {
	// AddShadow adds counts and differences to those stored for the same script and deployment.
	AddShadow(ctx context.Context, add scripts.Shadow) error
}

const (
	// shadowQueue bounds the registrations that wait for the worker. Further ones are counted as dropped.
	shadowQueue = 256
	// shadowRest is how long the worker rests after a job, as a multiple of the job's duration. The worker thus uses at
	// most a tenth of one core.
	shadowRest = 9
	// shadowTime bounds the run of one job.
	shadowTime = 10 * time.Second
	// shadowFlush is the interval at which results are stored.
	shadowFlush = time.Second
)

// shadows runs scripts in shadow mode. When a registration has ended, it runs again with each such script in its place
// among the others, and the results are compared. One worker does this in the background, with a small share of the
// machine, so that registrations do not wait for it.
type shadows struct {
	host  *Host
	jobs  chan shadowJob
	stop  context.CancelFunc
	ended sync.WaitGroup

	mu      sync.Mutex
	pending map[shadowKey]*scripts.Shadow // results that are not stored yet
}

type shadowKey struct {
	deployment int64
	script     string
}

// A shadowJob is a registration that has ended, and the deployment that it ran through. The job holds the deployment.
type shadowJob struct {
	deployed *deployed
	r        *engine.Registration
	outcome  error
}

func newShadows(h *Host) *shadows {
	ctx, stop := context.WithCancel(context.Background())
	s := &shadows{host: h, jobs: make(chan shadowJob, shadowQueue), stop: stop,
		pending: map[shadowKey]*scripts.Shadow{}}
	h.config.Guard.Follow(ctx, &s.ended, guard.Shadows, s.work)
	return s
}

// offer queues a registration that has ended for the worker, if its deployment has scripts in shadow mode. It never
// blocks. Registrations that were cancelled or unavailable are skipped, because they say nothing about the scripts.
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
	ended.Secret, ended.Token, ended.Response, ended.Items = "", "", nil, nil // not compared, so not kept in memory
	ended.ForgetDocument()
	select {
	case s.jobs <- shadowJob{deployed: d, r: &ended, outcome: outcome}:
	default:
		s.drop(d)
		s.host.unpin(d)
	}
}

// count applies a change to the pending results of a script.
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
			if ctx.Err() == nil { // else close stores the results
				s.flush(ctx)
			}
		case <-rest.C:
			jobs = s.jobs
		case job := <-jobs:
			start := time.Now()
			s.take(ctx, job)
			jobs = nil
			rest.Reset(shadowRest * time.Since(start))
		}
	}
}

// take runs a job, and lets go of its deployment whatever comes of it.
func (s *shadows) take(ctx context.Context, job shadowJob) {
	defer s.host.unpin(job.deployed)
	if s.host.config.Guard.Run(guard.Shadows, func() { s.run(ctx, job) }) != nil {
		s.drop(job.deployed)
	}
}

// drop counts a registration that the shadows of a deployment did not see.
func (s *shadows) drop(d *deployed) {
	for _, sc := range d.scripts {
		if sc.shadow() {
			s.count(d, sc, func(n *scripts.Shadow) { n.Dropped++ })
		}
	}
}

// run runs a registration again once for each script in shadow mode, together with the scripts that act.
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

// flush stores the pending results. Results that cannot be stored are lost; they are only samples.
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
			s.host.config.Logger.ErrorContext(ctx, "storing a shadow's results", "script", add.Script, "error", err)
		}
	}
}

// close ends the worker, stores the pending results and releases the jobs that are still queued.
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

// compare compares a registration with its rerun, counts the outcome and records a difference.
func (s *shadows) compare(sc *script, job shadowJob, again *engine.Registration, err error) {
	c, failed := Compare(Ending{Client: job.r.Client, Err: job.outcome}, Ending{Client: again.Client, Err: err})
	if failed != nil {
		s.host.config.Logger.Error("comparing a shadow's result", "script", sc.Name, "error", failed)
		return
	}
	if c.Same() {
		s.count(job.deployed, sc, func(n *scripts.Shadow) { n.Same++ })
		return
	}
	if c.Error != nil {
		// A script's refusal may quote the request.
		c.Error.Description = redactUnlisted(c.Error.Description, job.r.Request)
	}
	changes, failed := json.Marshal(c)
	if failed != nil {
		return // unreachable: the values in c are valid JSON
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
	// maxPending bounds the pending differences of a script. Further ones are counted, but not recorded.
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

// minRedacted is the length of the shortest value that is redacted, in bytes. Shorter ones occur in text by chance.
const minRedacted = 4

// redactUnlisted replaces the values of a request's extension members and secrets in a text by [redacted].
func redactUnlisted(text string, request *engine.Request) string {
	var members map[string]jsontext.Value
	if json.Unmarshal(request.Raw, &members) != nil {
		return text
	}
	for name, value := range members {
		if engine.KnownMember(name) && !engine.Reserved(name) {
			continue
		}
		for _, s := range stringsIn(value) {
			if len(s) >= minRedacted {
				text = strings.ReplaceAll(text, s, "[redacted]")
			}
		}
	}
	return text
}

// stringsIn returns all strings in a value, including names, and all numbers as written.
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
