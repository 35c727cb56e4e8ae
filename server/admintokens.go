package server

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"registrar/internal/token"
	"registrar/server/adminapi"
)

func (s *Server) createAdminToken(c echo.Context) error {
	var asked adminapi.NewAdminToken
	if err := readJSON(c, &asked); err != nil {
		return err
	}
	t, err := s.newAdminToken(asked)
	if err != nil {
		return err
	}
	t.CreatedBy = actorOf(c)
	secret, _, err := token.New(s.config.Random)
	if err != nil {
		return err
	}
	t.Hash = t.HashOf(secret)
	added, err := s.config.AdminTokens.Add(c.Request().Context(), t)
	switch {
	case errors.Is(err, token.ErrLabel):
		return &statusError{http.StatusConflict, "label: another admin token has it: choose another one"}
	case errors.Is(err, token.ErrTooMany):
		return &statusError{http.StatusConflict, token.ErrTooMany.Error()}
	case err != nil:
		return err
	case !added:
		return fmt.Errorf("another admin token has the ID %s", t.ID) // it is random
	}
	s.logAction(c, "admin token created", "token_id", t.ID, "label", t.Label, "roles", token.EncodeRoles(t.Roles))
	wire := wireAdminToken(t)
	wire.Token = secret
	return reply(c, http.StatusCreated, wire)
}

// newAdminToken returns a token as requested, without its hash.
func (s *Server) newAdminToken(asked adminapi.NewAdminToken) (t token.Admin, err error) {
	if problem := token.CheckLabel(asked.Label); problem != nil {
		return t, &statusError{http.StatusBadRequest, problem.Error()}
	}
	roles, problem := token.ReadRoles(asked.Roles)
	if problem != nil {
		return t, &statusError{http.StatusBadRequest, problem.Error()}
	}
	expiresIn := int64(token.DefaultAdminLifetime / time.Second)
	if asked.ExpiresIn != nil {
		expiresIn = *asked.ExpiresIn
	}
	if expiresIn < 0 || expiresIn > int64(maxExpiresIn/time.Second) {
		return t, &statusError{http.StatusBadRequest, fmt.Sprintf(
			"expires_in must be 1 to %d seconds, or 0 for a token that never expires", int64(maxExpiresIn/time.Second))}
	}
	id, err := uuid.NewV7FromReader(s.config.Random)
	if err != nil {
		return t, fmt.Errorf("naming an admin token: %w", err)
	}
	t = token.Admin{ID: id.String(), Label: asked.Label, Roles: roles,
		CreatedAt: s.config.Now().UTC().Truncate(time.Microsecond)}
	if expiresIn > 0 {
		t.ExpiresAt = t.CreatedAt.Add(time.Duration(expiresIn) * time.Second)
	}
	return t, nil
}

func (s *Server) listAdminTokens(c echo.Context) error {
	list, err := s.config.AdminTokens.List(c.Request().Context())
	if err != nil {
		return err
	}
	page := adminapi.AdminTokens{Tokens: make([]adminapi.AdminToken, len(list))}
	for i, t := range list {
		page.Tokens[i] = wireAdminToken(t)
	}
	return reply(c, http.StatusOK, page)
}

// revokeAdminToken revokes a token. With force=true it also revokes the last one with the role admin.
func (s *Server) revokeAdminToken(c echo.Context) error {
	id, err := param(c, "id")
	if err != nil {
		return err
	}
	revoke := s.config.AdminTokens.Revoke
	switch force := c.QueryParam("force"); force {
	case "", "false":
	case "true":
		revoke = s.config.AdminTokens.RevokeLast
	default:
		return &statusError{http.StatusBadRequest, "force must be true or false"}
	}
	err = revoke(c.Request().Context(), id)
	if errors.Is(err, token.ErrLast) {
		return &statusError{http.StatusConflict,
			token.ErrLast.Error() + ": without it the server could not be administered; " +
				"create another one first, or revoke it with force=true"}
	}
	if err != nil {
		return err
	}
	s.logAction(c, "admin token revoked", "token_id", id)
	return c.NoContent(http.StatusNoContent)
}

// wireAdminToken converts a token for the admin API, without the token itself.
func wireAdminToken(t token.Admin) adminapi.AdminToken {
	wire := adminapi.AdminToken{ID: t.ID, Label: t.Label, Roles: []string{}, CreatedAt: t.CreatedAt,
		CreatedBy: t.CreatedBy}
	for _, r := range t.Roles {
		wire.Roles = append(wire.Roles, string(r))
	}
	if !t.ExpiresAt.IsZero() {
		wire.ExpiresAt = &t.ExpiresAt
	}
	if !t.UsedAt.IsZero() {
		wire.UsedAt = new(t.UsedAt.UTC().Truncate(time.Microsecond))
	}
	return wire
}
