package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"
)

// A readiness is the response of /readyz.
type readiness struct {
	Status  string   `json:"status"`
	Reasons []string `json:"reasons,omitzero"` // why the server is not ready; only on the admin listener
}

// readyAdmin responds with 200 if clients can register, else with 503 and the reasons.
func (s *Server) readyAdmin(c echo.Context) error {
	noStore(c)
	reasons := s.unready(c.Request().Context())
	if len(reasons) == 0 {
		return reply(c, http.StatusOK, readiness{Status: "ready"})
	}
	return reply(c, http.StatusServiceUnavailable, readiness{"not ready", reasons})
}

// readyPublic is readyAdmin without the reasons, which name parts of the operator's network.
func (s *Server) readyPublic(c echo.Context) error {
	noStore(c)
	if len(s.unready(c.Request().Context())) == 0 {
		return reply(c, http.StatusOK, readiness{Status: "ready"})
	}
	return reply(c, http.StatusServiceUnavailable, readiness{Status: "not ready"})
}

// unready returns why clients cannot register, within readyTimeout.
func (s *Server) unready(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	reasons := reasonsOf(s.config.Ready(ctx))
	if s.Draining() {
		reasons = append(reasons, "the server is about to stop")
	}
	return reasons
}

// reasonsOf returns the texts of the errors that err joins, or its own; none for nil.
func reasonsOf(err error) []string {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || err.Error() != errors.Join(joined.Unwrap()...).Error() { // fmt.Errorf joins errors in one text
		return []string{err.Error()}
	}
	var reasons []string
	for _, err := range joined.Unwrap() {
		reasons = append(reasons, reasonsOf(err)...)
	}
	return reasons
}
