package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"time"

	"registrar/scripts/host"
)

const (
	// limitInterval is the least time between two lines of the same cause.
	limitInterval = time.Second
	// maxCauses bounds the causes that are told apart at the same time; the others count as one.
	maxCauses = 64
	// maxCause bounds the name of a cause, in bytes.
	maxCause = 512
)

// A limitHandler drops the lines of errors whose cause had a line less than limitInterval ago. The next line that is
// written has their number in the attribute suppressed.
//
// It handles errors, and warnings that a request or a connection causes: those with an attribute request_id or
// listener. A cause is the message and what [causeOf] says of the attributes. It holds no text of a request. Lines of
// scripts pass: each registration has a budget for them.
type limitHandler struct {
	slog.Handler
	causes *causes
	caused bool // an attribute request_id or listener was added before
}

// newLimitHandler returns a handler that limits what it passes to h.
func newLimitHandler(h slog.Handler) slog.Handler {
	return limitHandler{Handler: h, causes: &causes{last: map[string]*occurrence{}}}
}

// Handle implements [slog.Handler].
func (h limitHandler) Handle(ctx context.Context, r slog.Record) error {
	if !h.limits(r) {
		return h.Handler.Handle(ctx, r)
	}
	pass, suppressed := h.causes.note(causeOf(r), r.Time)
	if !pass {
		return nil
	}
	if suppressed > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("suppressed", suppressed))
	}
	return h.Handler.Handle(ctx, r)
}

// limits reports whether a line counts as one of an error.
func (h limitHandler) limits(r slog.Record) bool {
	switch {
	case r.Level < slog.LevelWarn, r.Message == host.ScriptLog:
		return false
	case r.Level >= slog.LevelError || h.caused:
		return true
	}
	caused := false
	r.Attrs(func(a slog.Attr) bool { caused = fromOutside(a); return !caused })
	return caused
}

// fromOutside reports whether an attribute tells which request or connection a line is about.
func fromOutside(a slog.Attr) bool { return a.Key == "request_id" || a.Key == "listener" }

// WithAttrs implements [slog.Handler].
func (h limitHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(attrs)
	for _, a := range attrs {
		h.caused = h.caused || fromOutside(a)
	}
	return h
}

// WithGroup implements [slog.Handler].
func (h limitHandler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}

// causes counts the lines of each cause.
type causes struct {
	mu   sync.Mutex
	last map[string]*occurrence
}

// An occurrence is what is known of a cause.
type occurrence struct {
	at         time.Time // of the last line that was written
	suppressed int       // lines since then
}

// otherCauses is the name of the causes for which there is no room.
const otherCauses = ""

// note counts a line at a time. It reports whether the line passes, and how many have not since the last one that did.
func (c *causes) note(cause string, at time.Time) (pass bool, suppressed int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.last[cause]
	if o == nil {
		if len(c.last) >= maxCauses && !c.makeRoom(at) {
			cause = otherCauses
		}
		if o = c.last[cause]; o == nil {
			c.last[cause] = &occurrence{at: at}
			return true, 0
		}
	}
	if at.Sub(o.at) < limitInterval {
		o.suppressed++
		return false, 0
	}
	suppressed = o.suppressed
	*o = occurrence{at: at}
	return true, suppressed
}

// makeRoom forgets the causes that may have a line again, and reports whether it did so. Lines that they had suppressed
// count as those of otherCauses.
func (c *causes) makeRoom(now time.Time) bool {
	made, suppressed := false, 0
	for cause, o := range c.last {
		if cause != otherCauses && now.Sub(o.at) >= limitInterval {
			delete(c.last, cause)
			made, suppressed = true, suppressed+o.suppressed
		}
	}
	if other := c.last[otherCauses]; other != nil {
		other.suppressed += suppressed
	} else if suppressed > 0 {
		c.last[otherCauses] = &occurrence{suppressed: suppressed}
	}
	return made
}

// causeOf names the cause of a line: its message, where it happened, and what kind of error it reports. There are as
// many as the program has messages and kinds of errors, and as scripts are deployed.
func causeOf(r slog.Record) string {
	var b strings.Builder
	b.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "script", "step", "where", "listener":
			fmt.Fprintf(&b, " %s=%s", a.Key, a.Value)
		case "error":
			if err, is := a.Value.Any().(error); is {
				writeKind(&b, err)
			}
		}
		return b.Len() < maxCause
	})
	return b.String()[:min(b.Len(), maxCause)]
}

// A causer is an error that knows its cause better than its type tells. The cause must be one of few, and hold nothing
// of a request.
type causer interface{ Cause() string }

// writeKind writes the types of an error and of those that it wraps, without their texts, which may hold what a client
// sent. Numbers, such as those of the operating system's errors, are written too.
func writeKind(b *strings.Builder, err error) {
	if err == nil || b.Len() >= maxCause {
		return
	}
	fmt.Fprintf(b, " %T", err)
	if known, is := err.(causer); is {
		fmt.Fprintf(b, "(%s)", known.Cause())
	} else if v := reflect.ValueOf(err); v.CanInt() || v.CanUint() {
		fmt.Fprintf(b, "(%d)", v.Interface())
	}
	if many, is := err.(interface{ Unwrap() []error }); is {
		for _, one := range many.Unwrap() {
			writeKind(b, one)
		}
		return
	}
	writeKind(b, errors.Unwrap(err))
}
