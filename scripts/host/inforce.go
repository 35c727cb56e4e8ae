package host

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Load loads the deployment in force. If it does not load, the one loaded before stays. If none was loaded before,
// registrations fail with engine.ErrUnavailable, because they must not run without the scripts in force.
func (h *Host) Load(ctx context.Context) error { return h.refresh(ctx) }

// Follow checks every interval whether another deployment is in force and loads it, until ctx is done. If loading
// fails, Follow tries again at each interval, logs the same error only once, and [Host.Ready] returns it.
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

// Current returns the number of the deployment that is loaded, and false before one is. It lags behind the deployment
// in force while [Host.Ready] returns an error.
func (h *Host) Current() (number int64, loaded bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.current == nil {
		return 0, false
	}
	return h.current.Number, true
}

// refresh loads the deployment in force, unless it is loaded already, and records the error for Ready.
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
		err = fmt.Errorf("loading the deployment to which canary %d falls back: %w", d.Number, err)
		return errors.Join(err, h.close(ctx, next))
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

// all returns d and, if d is a canary, its baseline.
func (d *deployed) all() []*deployed {
	switch {
	case d == nil:
		return nil
	case d.canary == nil:
		return []*deployed{d}
	}
	return []*deployed{d, d.canary.baseline}
}

// pin returns the loaded deployment, nil if there is none. The deployment stays open until unpin.
func (h *Host) pin() *deployed {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.current != nil {
		h.current.pins++
	}
	return h.current
}

// hold keeps a deployment open until unpin. It returns false if the deployment has been replaced.
func (h *Host) hold(d *deployed) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d.retired {
		return false
	}
	d.pins++
	return true
}

// unpin releases a deployment. The last unpin of a replaced deployment closes its modules.
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
