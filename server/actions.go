package server

import (
	"log/slog"

	"github.com/labstack/echo/v4"
)

// administratorKey is the context key of the caller's name, which holds the first bytes of the hash of their token.
const administratorKey = "administrator"

// actorOf returns the administrator who makes a call, as the log and deployments name them; "" if the call needs none,
// or was not let through. It never holds a token.
func actorOf(c echo.Context) string {
	name, _ := c.Get(administratorKey).(string)
	return name
}

// logAction logs what an administrator did: one line, with the administrator and their address. Each call of the admin
// API that is not a GET logs one, whatever its outcome: if it fails, respond does.
func (s *Server) logAction(c echo.Context, what string, args ...any) {
	s.config.Logger.With(args...).LogAttrs(c.Request().Context(), slog.LevelInfo, what,
		slog.String("by", actorOf(c)), slog.String("ip", c.RealIP()), slog.String("request_id", requestIDOf(c)))
}
