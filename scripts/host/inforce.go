package host

import (
	"context"
	"errors"
	"fmt"
	"time"
)

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
			s.module.KeepReady(func() bool { return h.hold(d) }, func() { h.unpin(d) })
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

// all returns the deployments that registrations run through: one, and with a canary the one beside it.
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
