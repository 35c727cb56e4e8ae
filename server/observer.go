package server

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// An Observer counts what the server answers. It is called by many at once.
type Observer interface {
	// Answered is told of each request: the pattern of its route, "" where none fits, and how long the answer took.
	Answered(method, route string, status int, took time.Duration)
	// Registered is told how each registration that was let in ended: "registered", "refused", "failed" or "unavailable".
	Registered(outcome string)
}

// registrationOutcome is what an error of a registration comes to.
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

// observe tells the observer of each request. It is the outermost middleware, and has errors answered here, since only
// then their status is known.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		route := c.Path()
		if !s.routes[route] {
			route = "" // what Echo calls a path that it does not know is up to whoever asks
		}
		s.config.Observer.Answered(c.Request().Method, route, c.Response().Status, time.Since(began))
		return nil
	}
}

func (s *Server) nameRoutes() {
	s.routes = map[string]bool{}
	for _, e := range []*echo.Echo{s.public, s.admin} {
		for _, r := range e.Routes() {
			s.routes[r.Path] = true
		}
	}
}
