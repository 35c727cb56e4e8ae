package server

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/internal/guard"
	"registrar/server/adminapi"
)

const (
	progressInterval = 250 * time.Millisecond // minimum time between two lines of progress
	lineTimeout      = time.Minute            // for writing a line or the result
)

var errStopping = fmt.Errorf("the server is shutting down: %w", engine.ErrUnavailable)

// replay repeats stored registrations and responds with the differences. It is not bound by the listener's write
// timeout; it ends when the client disconnects or the server stops.
func (s *Server) replay(c echo.Context) error {
	var asked adminapi.Replay
	if err := readJSON(c, &asked); err != nil {
		return err
	}
	connection := http.NewResponseController(c.Response())
	if err := connection.SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("clearing the write deadline: %w", err)
	}
	ctx, cancel := context.WithCancelCause(c.Request().Context())
	defer cancel(nil)
	s.config.Guard.Go(guard.Requests, func() {
		select {
		case <-s.stopping:
			cancel(errStopping)
		case <-ctx.Done():
		}
	})
	progress, lines := func(int, int) {}, &lineWriter{c: c, connection: connection, fail: cancel}
	streamed := acceptsLines(c.Request())
	if streamed {
		progress = lines.progress
	}
	result, err := s.config.Replay(ctx, asked.Scripts, asked.Last, progress)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if err == nil {
		s.logAction(c, "replay ended", "registrations", result.Total)
	}
	switch {
	case err == nil && streamed:
		return lines.write(adminapi.ReplayLine{Result: &result})
	case err == nil:
		if err := connection.SetWriteDeadline(time.Now().Add(lineTimeout)); err != nil {
			return fmt.Errorf("setting the write deadline: %w", err)
		}
		return reply(c, http.StatusOK, result)
	case c.Response().Committed:
		lines.problem(err)
	}
	return err
}

// acceptsLines reports whether a client accepts lines of progress.
func acceptsLines(r *http.Request) bool {
	for _, accept := range r.Header.Values(echo.HeaderAccept) {
		for part := range strings.SplitSeq(accept, ",") {
			if mediaType, _, err := mime.ParseMediaType(part); err == nil && mediaType == adminapi.LinesType {
				return true
			}
		}
	}
	return false
}

// A lineWriter writes a response of [adminapi.LinesType].
type lineWriter struct {
	c          echo.Context
	connection *http.ResponseController
	fail       context.CancelCauseFunc // called if writing progress fails
	last       time.Time
}

// progress writes a line of progress, at most one per progressInterval.
func (w *lineWriter) progress(done, of int) {
	if time.Since(w.last) < progressInterval {
		return
	}
	w.last = time.Now()
	if err := w.write(adminapi.ReplayLine{Progress: &adminapi.ReplayProgress{Done: done, Of: of}}); err != nil {
		w.fail(err)
	}
}

// write writes a line. The first one sends the status, 200: errors before it can still have their own status.
func (w *lineWriter) write(line adminapi.ReplayLine) error {
	b, err := json.Marshal(line, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	if err := w.connection.SetWriteDeadline(time.Now().Add(lineTimeout)); err != nil {
		return fmt.Errorf("setting the write deadline: %w", err)
	}
	if !w.c.Response().Committed {
		w.c.Response().Header().Set(echo.HeaderContentType, adminapi.LinesType)
		w.c.Response().WriteHeader(http.StatusOK)
	}
	if _, err := w.c.Response().Write(append(b, '\n')); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return w.connection.Flush()
}

// problem writes an error as the last line. The error handler then only logs it, since the response is committed.
func (w *lineWriter) problem(err error) {
	a := answerTo(err)
	_ = w.write(adminapi.ReplayLine{Problem: problemOf(a, requestIDOf(w.c))}) // the client may have disconnected
}
