package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"registrar/scripts/host"
)

// limited returns a logger with the limit, and a function that returns the messages written since its last call, each
// with its number of suppressed lines if there is one.
func limited() (logger *slog.Logger, written func() []string) {
	var out lockedBuffer
	seen := 0
	logger = slog.New(newLimitHandler(slog.NewTextHandler(&out, nil)))
	return logger, func() (found []string) {
		text := out.String()
		for line := range strings.Lines(text[seen:]) {
			_, message, _ := strings.Cut(strings.TrimSpace(line), "msg=")
			message, _, _ = strings.Cut(message, " ")
			if _, n, has := strings.Cut(line, "suppressed="); has {
				message += "+" + strings.TrimSpace(n)
			}
			found = append(found, message)
		}
		seen = len(text)
		return found
	}
}

func wantLines(t *testing.T, written func() []string, want ...string) {
	t.Helper()
	if got := written(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Of the lines with one cause, one a second is written, and the next one counts those that were not.
func TestErrorsOfOneCauseAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, written := limited()
		fail := func(request int) {
			logger.With("request_id", request).Error("failed", "error",
				fmt.Errorf("client %d: %w", request, syscall.ENOSPC))
		}
		for request := range 10 {
			fail(request)
		}
		wantLines(t, written, "failed")
		time.Sleep(limitInterval - 1)
		fail(11)
		wantLines(t, written)
		time.Sleep(time.Nanosecond)
		fail(12)
		wantLines(t, written, "failed+10")
		time.Sleep(limitInterval)
		fail(13)
		wantLines(t, written, "failed")
	})
}

// Causes are told apart by the message and the kind of the error, never by its text.
func TestCausesAreToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, written := limited()
		script := func(name string) error {
			return fmt.Errorf("registering: %w", &host.ScriptError{Script: name, Step: "set_scopes", Reason: "any"})
		}
		for _, err := range []error{syscall.ENOSPC, syscall.ECONNREFUSED, context.DeadlineExceeded, errors.New("a"),
			script("first"), script("second"), errors.Join(syscall.ENOSPC, errors.New("b"))} {
			logger.Error("failed", "error", err)
			logger.Error("failed", "error", err)
		}
		logger.Error("failed", "error", errors.New("another text"))
		logger.Error("other", "error", errors.New("a"))
		logger.Error("failed", "where", "batches")
		logger.Error("failed", "where", "keys")
		wantLines(t, written, "failed", "failed", "failed", "failed", "failed", "failed", "failed", "other", "failed",
			"failed")
	})
}

// Warnings are limited if a request or a connection causes them. Lines of scripts and lines below warnings never are.
func TestWhichLinesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, written := limited()
		for range 2 {
			logger.Info("info", "request_id", 1)
			logger.Warn("own")
			logger.Warn("request", "request_id", 1)
			logger.With("request_id", 1).Warn("with")
			logger.With("listener", "public").WithGroup("g").Warn("connection")
			logger.Error(host.ScriptLog, "script", "a", "step", "b", "line", "c")
		}
		wantLines(t, written, "info", "own", "request", "with", "connection", `"script`, "info", "own", `"script`)
	})
}

// The table of causes is bounded. Causes without room count as one, and the counts of forgotten ones are not lost.
func TestCausesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c causes
		c.last = map[string]*occurrence{}
		passed := 0
		for n := range 10 * maxCauses {
			if pass, _ := c.note(fmt.Sprint("cause ", n), time.Now()); pass {
				passed++
			}
		}
		if passed != maxCauses+1 || len(c.last) != maxCauses+1 {
			t.Errorf("%d lines passed and %d causes are kept, want %d of both", passed, len(c.last), maxCauses+1)
		}
		c.note("cause 1", time.Now())
		time.Sleep(limitInterval)
		if pass, suppressed := c.note("new", time.Now()); !pass || suppressed != 0 {
			t.Errorf("a new cause: got %t and %d, want a line", pass, suppressed)
		}
		if other := c.last[otherCauses]; len(c.last) != 2 || other.suppressed != 9*maxCauses {
			t.Errorf("%d causes are kept, the others have suppressed %d, want 2 and %d", len(c.last), other.suppressed,
				9*maxCauses)
		}
	})
}
