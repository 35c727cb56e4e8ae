package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/internal/token"
)

// administrator rejects requests without a valid admin token.
func (s *Server) administrator(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		noStore(c)
		admin, err := s.authenticateAdmin(c)
		if _, stranger := errors.AsType[*unauthorizedError](err); stranger {
			// Counted only here, so that a good token passes from an address with many that fail.
			err = cmp.Or(s.countFailure(c, s.strangers), err)
		}
		if err != nil {
			return err
		}
		c.Set(administratorKey, admin)
		return next(c)
	}
}

// authenticateAdmin returns who makes a call of the admin API.
func (s *Server) authenticateAdmin(c echo.Context) (*token.Administrator, error) {
	scheme, presented, err := authorization(c.Request().Header)
	if err != nil {
		return nil, badAdminToken(err)
	}
	if !strings.EqualFold(scheme, "Bearer") || presented == "" {
		return nil, &unauthorizedError{description: "the admin API needs an admin token: Authorization: Bearer …"}
	}
	// A call that may wait for a compiler waits no longer for the database than others.
	ctx, cancel := context.WithTimeout(c.Request().Context(), s.config.RequestTimeout)
	defer cancel()
	admin, err := s.config.Administrator(ctx, presented)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return nil, badAdminToken(nil)
	case err != nil:
		return nil, fmt.Errorf("reading the admin tokens: %w", err)
	}
	return admin, nil
}

// badAdminToken returns the error for an admin token that is unknown, has expired or was revoked. Its description does
// not tell which; cause is only logged.
func badAdminToken(cause error) error {
	return &unauthorizedError{token: true, description: "the admin token is not valid", cause: cause}
}

// onlyRoles rejects requests whose administrator has none of the roles, before anything of them is read.
func onlyRoles(roles []token.Role) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := needRole(c, roles...); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// needRole returns an error (RFC 6750 §3.1, insufficient_scope) unless the administrator has one of the roles, or
// [token.RoleAdmin]. A handler calls it for what needs more than its route does.
func needRole(c echo.Context, roles ...token.Role) error {
	if administratorOf(c).May(roles...) {
		return nil
	}
	var names strings.Builder
	for _, r := range roles {
		names.WriteString(string(r))
		names.WriteString(" or ")
	}
	return engine.RefuseAs(engine.InsufficientScope, "this call needs the role %sadmin", names.String())
}

// administratorOf returns the administrator who makes a call; without one, it is one without a role.
func administratorOf(c echo.Context) *token.Administrator {
	if admin, ok := c.Get(administratorKey).(*token.Administrator); ok {
		return admin
	}
	return &token.Administrator{}
}
