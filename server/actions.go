package server

import (
	"log/slog"

	"github.com/labstack/echo/v4"
)

// administratorKey is the context key of the caller, a *[token.Administrator].
const administratorKey = "administrator"

// actorOf returns the administrator who makes a call, as the log and deployments name them; "" if the call needs none,
// or was not let through. It never holds a token.
func actorOf(c echo.Context) string { return administratorOf(c).Name }

// actorAttrs returns who makes a call, for the log: the administrator, and the issuer that vouches for them, if one
// does. It is empty where [actorOf] is.
func actorAttrs(c echo.Context) (list []any) {
	admin := administratorOf(c)
	if admin.Name != "" {
		list = append(list, slog.String("by", admin.Name))
	}
	if admin.Issuer != "" {
		list = append(list, slog.String("issuer", admin.Issuer))
	}
	return list
}

// logAction logs what an administrator did: one line, with the administrator and their address. Each call of the admin
// API that is not a GET logs one, whatever its outcome: if it fails, respond does.
func (s *Server) logAction(c echo.Context, what string, args ...any) {
	s.config.Logger.With(args...).With(actorAttrs(c)...).LogAttrs(c.Request().Context(), slog.LevelInfo, what,
		slog.String("ip", c.RealIP()), slog.String("request_id", requestIDOf(c)))
}
