package server

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"registrar/server/adminapi"
)

// DefaultRequestTimeout is the time that a request may take if Config.RequestTimeout is 0.
const DefaultRequestTimeout = 3 * time.Second

const (
	// compileTimeout bounds a call that may compile modules: the wait for other compilations is at most a minute.
	// Package app bounds what it waits for the database meanwhile.
	compileTimeout = 2 * time.Minute
	// readyTimeout bounds /readyz.
	readyTimeout = time.Second
)

// timeoutOf returns how long a request may take, without the time in which its body arrives; 0 means that its handler
// bounds it.
func (s *Server) timeoutOf(method, route string) time.Duration {
	switch method + " " + route {
	case http.MethodPost + " " + adminapi.PathModules, http.MethodPost + " " + adminapi.PathDeployments,
		http.MethodPost + " " + adminapi.PathDryRun:
		return max(compileTimeout, s.config.RequestTimeout)
	case http.MethodPost + " " + adminapi.PathReplay:
		return 0
	}
	return s.config.RequestTimeout
}

// withDeadline ends the context of a request when it has taken too long; see timeoutOf. What waits for the database
// then returns an error that is a 503.
func (s *Server) withDeadline(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		timeout := s.timeoutOf(c.Request().Method, c.Path())
		if timeout == 0 {
			return next(c)
		}
		defer setDeadline(c, timeout)()
		return next(c)
	}
}

// deadlineKey is the context key of a request's deadline.
const deadlineKey = "deadline"

// A deadline ends the context of a request.
type deadline struct {
	parent context.Context // of the context that the request has
	until  time.Time
	cancel context.CancelFunc
}

// setDeadline bounds the context of a request. The caller must call end when the request is done.
func setDeadline(c echo.Context, timeout time.Duration) (end func()) {
	d := &deadline{parent: c.Request().Context(), until: time.Now().Add(timeout)}
	c.Set(deadlineKey, d)
	d.start(c)
	return func() { d.cancel() }
}

// start gives the request a context that ends at the deadline.
func (d *deadline) start(c echo.Context) {
	ctx, cancel := context.WithDeadline(d.parent, d.until)
	d.cancel = cancel
	c.SetRequest(c.Request().WithContext(ctx))
}

// suspendDeadline stops the clock of a request's deadline, if it has one, until resume is called: a body may arrive
// slowly.
func suspendDeadline(c echo.Context) (resume func()) {
	d, ok := c.Get(deadlineKey).(*deadline)
	if !ok {
		return func() {}
	}
	began := time.Now()
	return func() {
		d.cancel()
		d.until = d.until.Add(time.Since(began))
		d.start(c)
	}
}

// requestContext returns the context of a registration: that of the request if it has a deadline, else one that ends
// after Config.RequestTimeout. A registration without a token has none before its body was read, since it waits for
// nothing until then, and a deadline that can be suspended allocates more.
func (s *Server) requestContext(c echo.Context) (context.Context, context.CancelFunc) {
	ctx := c.Request().Context()
	if _, ok := c.Get(deadlineKey).(*deadline); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.config.RequestTimeout)
}
