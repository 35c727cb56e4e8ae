package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"registrar/internal/guard"
)

// Load loads the deployment in force. If it does not load, the one loaded before stays. If none was loaded before,
// registrations fail with engine.ErrUnavailable, because they must not run without the scripts in force.
func (h *Host) Load(ctx context.Context) error { return h.refresh(ctx) }

// tidyInterval is how often machine code is dropped that no stored module needs.
const tidyInterval = time.Hour

// Follow checks every interval whether another deployment is in force and loads it, until ctx is done. If loading
// fails, Follow tries again at each interval, logs the same error only once, and [Host.Ready] returns it.
// Follow also drops machine code that no stored module needs, once an hour.
func (h *Host) Follow(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	tidy := time.NewTicker(tidyInterval)
	defer tidy.Stop()
	h.tidy(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tidy.C:
			h.tidy(ctx)
			continue
		case <-ticker.C:
		}
		known := h.Ready()
		err := h.refresh(ctx)
		if err != nil && ctx.Err() == nil && (known == nil || known.Error() != err.Error()) {
			h.config.Logger.ErrorContext(ctx, "loading the deployment in force", "error", err)
		}
	}
}

// tidy drops the machine code of modules that are not stored. One that is left takes some room on the disk, no more.
func (h *Host) tidy(ctx context.Context) {
	list, err := h.config.Modules.Modules(ctx)
	if err == nil {
		digests := make([]string, len(list))
		for i, m := range list {
			digests[i] = m.Digest
		}
		err = h.sandbox.Keep(digests)
	}
	if err != nil && ctx.Err() == nil {
		h.config.Logger.WarnContext(ctx, "dropping machine code that no module needs", "error", err)
	}
}

// loadingLimit is how long the deployment in force may be loading until [Host.Ready] returns an error.
const loadingLimit = 2 * time.Second

// Ready returns nil once the deployment in force is loaded, else why it is not. While one is being loaded, it is nil
// for up to two seconds if an earlier one is loaded: registrations run through that one meanwhile.
func (h *Host) Ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failed == nil && h.next != 0 && time.Since(h.nextSince) > loadingLimit {
		return fmt.Errorf("deployment %d is in force, but still being loaded", h.next)
	}
	return h.failed
}

// begins notes that a deployment is being loaded; 0 means that none is.
func (h *Host) begins(number int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next, h.nextSince = number, time.Now()
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

	var err error
	panicked := h.config.Guard.Run(guard.Deployments, func() { err = h.replace(ctx) })
	err = errors.Join(err, panicked)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil && h.current == nil {
		h.next = 0
		return h.failed // the worker panicked over it meanwhile; see end
	}
	h.failed, h.next = err, 0
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
	if err := h.brokenBy(number); err != nil {
		return err
	}
	h.begins(number)
	d, err := h.config.Deployments.CurrentDeployment(ctx)
	if err != nil {
		return fmt.Errorf("reading the deployment in force: %w", err)
	}
	next, err := h.load(ctx, d)
	if err != nil {
		return fmt.Errorf("loading deployment %d: %w", d.Number, err)
	}
	if next.canary, err = h.loadCanary(ctx, d); err != nil {
		return errors.Join(fmt.Errorf("loading canary %d: %w", d.Number, err), h.close(ctx, next))
	}
	h.config.Observer.Deployed(replaced(next))
	for _, d := range next.all() {
		for _, s := range d.acting() {
			s.module.KeepReady(func() bool { return h.hold(d) }, func() { h.unpin(d) },
				func(err error) { h.end(d, s, err) })
		}
	}
	h.mu.Lock()
	idle, err := h.inForce(next)
	h.mu.Unlock()
	return errors.Join(err, h.closeAll(ctx, idle))
}

// inForce makes next the current deployment, unless the worker panicked over it already. It returns the deployments
// that can be closed. h.mu is held.
func (h *Host) inForce(next *deployed) (idle []*deployed, err error) {
	for _, d := range next.all() {
		if d.panicked != nil {
			return append(h.breakDown(next.Number, d.panicked), retired(next)...), h.failed
		}
	}
	return h.retire(next), nil
}

// retire replaces the current deployment by next, nil for none, and returns the deployments that can be closed. h.mu is
// held.
func (h *Host) retire(next *deployed) (idle []*deployed) {
	old := h.current
	h.current = next
	return retired(old)
}

// retired marks a deployment, and the baseline of a canary, as retired, and returns those that can be closed. Host.mu
// is held.
func retired(old *deployed) (idle []*deployed) {
	for _, d := range old.all() {
		d.retired = true
		if d.pins == 0 {
			idle = append(idle, d)
		}
	}
	return idle
}

func (h *Host) closeAll(ctx context.Context, list []*deployed) (errs error) {
	for _, d := range list {
		errs = errors.Join(errs, h.close(ctx, d))
	}
	return errs
}

// brokenPause is how long a deployment whose worker panicked is out of use before it is loaded again.
const brokenPause = 10 * time.Second

// broken records a deployment whose worker panicked.
type broken struct {
	number int64
	err    error
	until  time.Time // when it is loaded again
}

// brokenBy returns the panic that put a deployment out of use less than brokenPause ago, or nil.
func (h *Host) brokenBy(number int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b := h.broken; b.err != nil && b.number == number && time.Now().Before(b.until) {
		return b.err
	}
	return nil
}

// end takes a deployment out of use after the worker panicked while it made instances of one of its scripts.
// Registrations fail until it is loaded again, after brokenPause.
func (h *Host) end(d *deployed, s *script, panicked error) {
	panicked = fmt.Errorf("making instances of script %s: %w", s.Name, panicked)
	h.mu.Lock()
	var idle []*deployed
	switch {
	case d.retired:
	case slices.Contains(h.current.all(), d):
		idle = h.breakDown(h.current.Number, panicked)
	default:
		d.panicked = panicked // it is not in force yet; see inForce
	}
	h.mu.Unlock()
	if err := h.closeAll(context.Background(), idle); err != nil {
		h.config.Logger.Error("closing a deployment", "deployment", d.Number, "error", err)
	}
}

// breakDown leaves no deployment loaded, since the worker panicked over the one with this number, and returns the
// deployments that can be closed. h.mu is held.
func (h *Host) breakDown(number int64, panicked error) (idle []*deployed) {
	h.failed = fmt.Errorf("deployment %d: %w", number, panicked)
	h.broken = broken{number: number, err: h.failed, until: time.Now().Add(brokenPause)}
	return h.retire(nil)
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
