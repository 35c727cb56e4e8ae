package host

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"registrar/engine"
	"registrar/internal/guard"
	"registrar/internal/netrule"
	"registrar/scripts"
)

// A canary limits a deployment to a share of the callers. The other callers get the baseline.
type canary struct {
	baseline *deployed // the latest earlier deployment without a canary; number 0 if none
	share    float64   // of the callers, above 0, at most 1
	key      []byte    // secret; selects the callers

	failed      map[string]bool // callers for whom a canary script failed other than by fuel; guarded by Host.mu
	exhausted   map[string]bool // networks of callers for whom one ran out of fuel; guarded by Host.mu
	fallingBack bool            // fallback has begun; guarded by Host.mu
}

// fallBackTime bounds a fallback to the baseline.
const fallBackTime = 30 * time.Second

// share returns the share of callers that the canary scripts of a list act for, 0 if there are none. All canaries of a
// list must have the same share.
func share(list []scripts.Script) (float64, error) {
	var all float64
	for i, s := range list {
		if !s.IsCanary() {
			if s.Canary != "" {
				return 0, fmt.Errorf("scripts[%d].canary requires mode canary, not %s", i, s.Mode)
			}
			continue
		}
		number, percent := strings.CutSuffix(s.Canary, "%")
		n, err := strconv.ParseFloat(number, 64)
		if !percent || err != nil || !(n > 0 && n <= 100) {
			return 0, fmt.Errorf("scripts[%d].canary %q: it must be a share of the callers, "+
				"above 0%% and at most 100%%, such as \"5%%\"", i, s.Canary)
		}
		if all != 0 && all != n/100 {
			return 0, fmt.Errorf("scripts[%d].canary %q: all canaries of a deployment must have the same share",
				i, s.Canary)
		}
		all = n / 100
	}
	return all, nil
}

// loadCanary loads the baseline of a canary deployment. It returns nil if the deployment has no canary.
func (h *Host) loadCanary(ctx context.Context, d scripts.Deployment) (*canary, error) {
	part, err := share(d.Scripts)
	if err != nil || part == 0 {
		return nil, err
	}
	key, err := h.config.CanaryKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the server's key: %w", err)
	}
	before, err := h.baselineOf(ctx, d.Number)
	if err != nil {
		return nil, err
	}
	loaded, err := h.load(ctx, before)
	if err != nil {
		return nil, aboutAll(fmt.Sprintf("deployment %d, which stays in force for the other callers", before.Number),
			err)
	}
	return &canary{baseline: loaded, share: part, key: key, failed: map[string]bool{},
		exhausted: map[string]bool{}}, nil
}

// baselineOf returns the latest deployment before n without a canary, number 0 if there is none.
func (h *Host) baselineOf(ctx context.Context, n int64) (scripts.Deployment, error) {
	for before := n; before > 1; {
		list, err := h.config.Deployments.Deployments(ctx, before, 20)
		if err != nil {
			return scripts.Deployment{}, fmt.Errorf("reading older deployments: %w", err)
		}
		if len(list) == 0 {
			break
		}
		for _, d := range list {
			if part, err := share(d.Scripts); err == nil && part == 0 {
				return d, nil
			}
			before = d.Number
		}
	}
	return scripts.Deployment{Scripts: []scripts.Script{}}, nil
}

// has reports whether the canary is in force for a caller. The answer depends only on the caller's identity, so that a
// request cannot influence it. A larger share includes all callers of a smaller one.
func (c *canary) has(caller *engine.Caller) bool {
	mac := hmac.New(sha256.New, c.key)
	mac.Write([]byte(identity(caller)))
	n := binary.BigEndian.Uint64(mac.Sum(nil))
	return float64(n)/math.MaxUint64 < c.share
}

// identity identifies a caller: by issuer and subject, else by the address as [netrule.Caller] returns it.
func identity(c *engine.Caller) string {
	if c.Issuer != "" || c.Subject != "" {
		return fmt.Sprintf("subject %q %q", c.Issuer, c.Subject)
	}
	return "address " + netrule.Caller(c.IP)
}

// pinFor returns the deployment that is in force for a caller, nil before one is loaded. The deployment stays open
// until unpin.
func (h *Host) pinFor(caller *engine.Caller) *deployed {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.current
	if d == nil {
		return nil
	}
	if d.canary != nil && !d.canary.has(caller) {
		d = d.canary.baseline
	}
	d.pins++
	return d
}

// failedFor records that a script failed for a caller. It starts the fallback to the baseline when canary scripts
// failed for CanaryCallers distinct callers. A single caller is not enough, because a request may provoke a failure.
// That is easiest by fuel, of which a large request takes more, and one person may have many accounts and addresses. So
// those failures count by themselves, and by network.
func (h *Host) failedFor(d *deployed, sc *script, caller *engine.Caller, kind scripts.FailureKind) {
	if !sc.IsCanary() || d.canary == nil {
		return
	}
	c := d.canary
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.fallingBack {
		return
	}
	why := fmt.Sprintf("failed for %d callers", h.config.CanaryCallers)
	if kind == scripts.FailureFuel {
		c.exhausted[netrule.Network(caller.IP)] = true
		c.fallingBack = len(c.exhausted) >= h.config.CanaryCallers
		why = fmt.Sprintf("ran out of fuel for %d networks", h.config.CanaryCallers)
	} else {
		c.failed[identity(caller)] = true
		c.fallingBack = len(c.failed) >= h.config.CanaryCallers
	}
	if c.fallingBack {
		h.config.Guard.GoIn(&h.fallingBack, guard.Canaries, func() {
			if h.config.Guard.Run(guard.Canaries, func() { h.fallBack(d, sc, why) }) != nil {
				h.tryAgain(d)
			}
		})
	}
}

// fallBack deploys the baseline again, unless another deployment has replaced the canary. why says in the comment what
// the script did.
func (h *Host) fallBack(d *deployed, sc *script, why string) {
	ctx, cancel := context.WithTimeout(context.Background(), fallBackTime)
	defer cancel()
	old := d.canary.baseline
	_, err := h.Deploy(ctx, scripts.Deployment{
		Scripts:   old.Scripts,
		CopyOf:    old.Number,
		CreatedBy: "canary",
		Comment:   fmt.Sprintf("canary %d fell back: script %s %s", d.Number, sc.Name, why),
	}, &d.Number)
	switch {
	case err == nil:
		h.config.Logger.WarnContext(ctx, "canary fell back to the older deployment", "deployment", d.Number,
			"script", sc.Name, "module", sc.Module, "reason", why)
	case !errors.Is(err, scripts.ErrConflict): // on a conflict, another replica fell back, or an operator deployed
		h.config.Logger.ErrorContext(ctx, "canary did not fall back to the older deployment",
			"deployment", d.Number, "error", err)
		h.tryAgain(d)
	}
}

// tryAgain has the next failure of a canary try to bring the older deployment back.
func (h *Host) tryAgain(d *deployed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d.canary.fallingBack = false
}
