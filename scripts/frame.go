package scripts

import (
	"context"
	"sync/atomic"
	"time"
)

// A frame is the time of one call into a script. Its context ends with the request's, or when the wall clock that is the
// script's own has run out: the clock stands still while the base runs. It does not inherit the deadline of an outer
// frame, which would charge that one for its base and close its instance when an inner one overran.
type frame struct {
	ctx     context.Context
	cancel  context.CancelFunc
	forward func() bool
	timer   *time.Timer
	limit   time.Duration
	left    time.Duration
	since   time.Time
	expired atomic.Bool
}

func newFrame(request context.Context, limit time.Duration) *frame {
	f := &frame{limit: limit, left: limit, since: time.Now()}
	f.ctx, f.cancel = context.WithCancel(context.WithoutCancel(request))
	f.forward = context.AfterFunc(request, f.cancel)
	f.timer = time.AfterFunc(limit, f.expire)
	return f
}

func (f *frame) expire() {
	f.expired.Store(true)
	f.cancel()
}

// pause stops the clock.
func (f *frame) pause() {
	f.timer.Stop()
	f.left -= time.Since(f.since)
}

// resume lets the clock go on.
func (f *frame) resume() {
	f.since = time.Now()
	f.timer.Reset(max(f.left, 0))
}

// close ends the frame.
func (f *frame) close() {
	f.timer.Stop()
	f.forward()
	f.cancel()
}
