package host

import (
	"context"
	"maps"
	"sync"
	"time"

	"registrar/engine"
)

const (
	// overwrittenInterval is the least time between two warnings of a patch of the same member by the same script.
	overwrittenInterval = time.Minute
	// maxOverwritten bounds the patches that are told apart in that time; there are no warnings of further ones.
	maxOverwritten = 256
)

// An overwrittenLog warns of patches that built-in steps overwrite, under one deployment. The zero value is ready.
type overwrittenLog struct {
	mu   sync.Mutex
	last map[engine.Overwritten]time.Time // when a warning was written
}

// warn writes a warning for each patch that had no effect in a registration, unless there was one lately. The lines
// have no request_id, since each is written for many requests.
func (o *overwrittenLog) warn(h *Host, d *deployed, r *engine.Registration) {
	for _, w := range r.Overwritten() {
		if o.due(w, h.config.Now()) {
			h.config.Logger.WarnContext(context.Background(), "a built-in step overwrote the patch of a script",
				"member", w.Member, "script", w.Script, "step", w.Step, "overwritten_by", w.By, "deployment", d.Number)
		}
	}
}

// due reports whether to write a warning now, and notes it.
func (o *overwrittenLog) due(w engine.Overwritten, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	recent := func(last time.Time) bool { return now.Sub(last) < overwrittenInterval }
	if last, noted := o.last[w]; noted && recent(last) {
		return false
	}
	if len(o.last) >= maxOverwritten {
		maps.DeleteFunc(o.last, func(_ engine.Overwritten, last time.Time) bool { return !recent(last) })
	}
	if len(o.last) >= maxOverwritten {
		return false
	}
	if o.last == nil {
		o.last = make(map[engine.Overwritten]time.Time)
	}
	o.last[w] = now
	return true
}
