package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"registrar/engine"
)

// An Observer counts responses and registrations. It must be safe for concurrent use.
type Observer interface {
	// Answered is called for each response. route is the pattern of the route, "" if none matches; took is the time from
	// the request to the response.
	Answered(method, route string, status int, took time.Duration)
	// Registered is called for each registration by an authorized caller, with its outcome: "registered", "refused",
	// "failed" or "unavailable".
	Registered(outcome string)
	// Refused is called for each registration and update whose body the engine cannot read, with the step "request".
	// The engine itself reports what it refuses later; see engine.Config.Refused.
	Refused(code engine.Code, step string)
	// AddressUnread is called for each request whose caller's address a trusted proxy should have named, but did not in
	// a way that can be read.
	AddressUnread()
}

// noteUnreadable tells the observer about a body that the engine cannot read.
func (s *Server) noteUnreadable(err error) {
	if s.config.Observer == nil {
		return
	}
	if refusal, refused := errors.AsType[*engine.Error](err); refused {
		s.config.Observer.Refused(refusal.Code, "request")
	}
}

// registrationOutcome returns the outcome of a registration, given its error.
func registrationOutcome(err error) string {
	if err == nil {
		return "registered"
	}
	switch status := answerTo(err).status; {
	case status == http.StatusServiceUnavailable:
		return "unavailable"
	case status >= 500:
		return "failed"
	}
	return "refused"
}

// observe reports each response to the observer. It is the outermost middleware, and renders errors itself, since the
// status is unknown before.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		route := c.Path()
		if !s.routes[route] {
			route = "" // for unknown paths Echo returns the requested path, which would make metrics grow without bound
		}
		s.config.Observer.Answered(c.Request().Method, route, c.Response().Status, time.Since(began))
		return nil
	}
}

// untraced are the routes that are asked all the time.
var untraced = map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true, "/openapi.yaml": true}

// trace calls Config.Trace. As observe does, it renders errors itself.
func (s *Server) trace(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		route := c.Path()
		if !s.routes[route] || untraced[route] {
			return next(c)
		}
		ctx, end := s.config.Trace(c.Request(), route, requestIDOf(c))
		c.SetRequest(c.Request().WithContext(ctx))
		status := http.StatusInternalServerError // remains if a panic passes
		defer func() { end(status) }()
		if err := next(c); err != nil {
			c.Error(err)
		}
		status = c.Response().Status
		return nil
	}
}

func (s *Server) nameRoutes() {
	s.routes, s.calls = map[string]bool{}, map[call]bool{}
	for _, e := range []*echo.Echo{s.public, s.admin} {
		for _, r := range e.Routes() {
			s.routes[r.Path] = true
		}
	}
	for _, r := range s.admin.Routes() {
		s.calls[call{r.Method, r.Path}] = true
	}
}
