package host

import (
	"context"
	"fmt"
	"iter"

	"registrar/engine"
	"registrar/scripts"
)

// A ClientSource reads stored clients.
type ClientSource interface {
	// LatestClients returns the last n clients, newest first. It ends after the first error.
	LatestClients(ctx context.Context, n int) iter.Seq2[*engine.Client, error]
	// CountClients returns the number of clients, or limit if there are more.
	CountClients(ctx context.Context, limit int) (int, error)
}

// Replay runs the registrations of the last stored clients again, through a list of scripts, nil meaning those in
// force, and compares the results with what is stored. It stores nothing. last is at most [scripts.MaxReplay]; 0 means
// [scripts.DefaultReplay]. Replay calls progress at the beginning and after each registration; of is an estimate of the
// total.
//
// Registrations run one after the other, so that a replay uses one processor at most. Replay returns an error that
// matches [scripts.ErrConflict] while another replay is running, and a *[scripts.RejectedError] if last or the list is
// invalid.
func (h *Host) Replay(
	ctx context.Context, e *engine.Engine, source ClientSource,
	list []scripts.Script, last int, progress func(done, of int),
) (scripts.Replay, error) {
	if last == 0 {
		last = scripts.DefaultReplay
	}
	if last < 0 || last > scripts.MaxReplay {
		return scripts.Replay{},
			scripts.Reject("last %d: it must be from 1 to %d registrations", last, scripts.MaxReplay)
	}
	if !h.replaying.TryLock() {
		return scripts.Replay{}, fmt.Errorf("another replay is running: %w", scripts.ErrConflict)
	}
	defer h.replaying.Unlock()
	d, err := h.loadForReplay(ctx, list)
	if err != nil {
		return scripts.Replay{}, err
	}
	defer func() { _ = h.close(context.WithoutCancel(ctx), d) }()
	of, err := source.CountClients(ctx, last)
	if err != nil {
		return scripts.Replay{}, err
	}
	progress(0, of)
	replay := scripts.Replay{Last: last, Differences: []scripts.Replayed{}}
	for c, err := range source.LatestClients(ctx, last) {
		if err != nil {
			return scripts.Replay{}, err
		}
		compared, err := h.replay(ctx, e, d, c)
		if err != nil {
			return scripts.Replay{}, err
		}
		replay.Count(c.ID, compared)
		progress(replay.Total, max(of, replay.Total))
	}
	return replay, nil
}

// loadForReplay loads a list of scripts, nil meaning those in force. It always loads them separately, so that a replay
// does not use up the instances that are ready for registrations.
func (h *Host) loadForReplay(ctx context.Context, list []scripts.Script) (*deployed, error) {
	if list == nil {
		current := h.pin()
		if current == nil {
			return nil, fmt.Errorf("no deployment is loaded: %w", engine.ErrUnavailable)
		}
		for _, s := range current.scripts {
			list = append(list, s.Script)
		}
		h.unpin(current)
	}
	return h.loadGiven(ctx, list)
}

// replay runs one registration again, in the time of a registration. Cancelling ctx is an error, not an outcome of the
// registration.
func (h *Host) replay(ctx context.Context, e *engine.Engine, d *deployed, c *engine.Client) (scripts.Comparison,
	error) {
	bounded, cancel := context.WithTimeout(ctx, h.config.RegistrationTimeout)
	defer cancel()
	r, err := e.Replay(bounded, c, func(r *engine.Registration, base engine.Steps) (engine.Steps, func()) {
		s := newSession(h, d, d.plan, r)
		s.clientExists = h.existsBesides(c.ID)
		return s.override(base), s.close
	})
	if ctx.Err() != nil {
		return scripts.Comparison{}, fmt.Errorf("replaying client %s: %w", c.ID, ctx.Err())
	}
	is := Ending{Err: err}
	if err == nil {
		is.Client = r.Client
	}
	return Compare(Ending{Client: c}, is)
}

// existsBesides returns a ClientExists function for which the ID own is free, as it was when its client registered.
func (h *Host) existsBesides(own string) func(context.Context, string) (bool, error) {
	return func(ctx context.Context, id string) (bool, error) {
		if id == own {
			return false, nil
		}
		return h.config.ClientExists(ctx, id)
	}
}
