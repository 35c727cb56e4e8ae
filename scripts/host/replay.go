package host

import (
	"context"
	"fmt"
	"iter"

	"registrar/engine"
	"registrar/scripts"
)

// A ClientSource has the clients that are stored.
type ClientSource interface {
	// LatestClients returns the last n clients, the newest first. An error is the last that it returns.
	LatestClients(ctx context.Context, n int) iter.Seq2[*engine.Client, error]
	// CountClients returns how many clients there are, counting no further than limit.
	CountClients(ctx context.Context, limit int) (int, error)
}

// Replay takes the registrations of the last stored clients, 0 meaning [scripts.DefaultReplay] of them, once more
// through the engine's steps with these scripts, nil meaning those in force, and compares what comes of it with what is
// stored. It stores nothing. Registrations run one after the other, so that it takes one processor at most; of replays
// that are asked for at once, one runs, and the others get an error that is scripts.ErrConflict. progress is called at
// the beginning and after each registration; of tells how many there will be about. Scripts that are not accepted get a
// *[scripts.RejectedError].
func (h *Host) Replay(
	ctx context.Context, e *engine.Engine, source ClientSource,
	list []scripts.Script, last int, progress func(done, of int),
) (scripts.Replay, error) {
	if last == 0 {
		last = scripts.DefaultReplay
	}
	if last < 0 || last > scripts.MaxReplay {
		return scripts.Replay{}, scripts.Reject("last %d: it must be from 1 to %d registrations", last, scripts.MaxReplay)
	}
	if !h.replaying.TryLock() {
		return scripts.Replay{}, fmt.Errorf("another replay is under way: %w", scripts.ErrConflict)
	}
	defer h.replaying.Unlock()
	d, err := h.loadApart(ctx, list)
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

// loadApart loads scripts, nil meaning those in force, for one replay: it must not take the instances that are ready
// for registrations.
func (h *Host) loadApart(ctx context.Context, list []scripts.Script) (*deployed, error) {
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

// replay runs one registration again. A replay that is called off is no outcome of it.
func (h *Host) replay(ctx context.Context, e *engine.Engine, d *deployed, c *engine.Client) (scripts.Comparison, error) {
	r, err := e.Replay(ctx, c, func(r *engine.Registration, base engine.Steps) (engine.Steps, func()) {
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

// existsBesides reports which client IDs are taken by others: when the client registered, its own was free.
func (h *Host) existsBesides(own string) func(context.Context, string) (bool, error) {
	return func(ctx context.Context, id string) (bool, error) {
		if id == own {
			return false, nil
		}
		return h.config.ClientExists(ctx, id)
	}
}
