package server

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"registrar/engine"
)

// updateAttempts bounds how often a request is tried that conflicts with updates of the same client.
const updateAttempts = 4

// routeManagement adds the client configuration endpoint of RFC 7592 §2.
func (s *Server) routeManagement() {
	if !s.config.Engine.Managed() {
		return
	}
	s.failures = s.newFailures()
	const path = "/register/:id"
	limit := s.rateLimit("too many requests from one address")
	s.public.GET(path, s.readOwn, limit, s.withDeadline)
	s.public.PUT(path, s.updateOwn, limit, s.withDeadline)
	s.public.DELETE(path, s.deleteOwn, limit, s.withDeadline)
}

// readOwn responds with the client's registration (RFC 7592 §2.1).
func (s *Server) readOwn(c echo.Context) error {
	client, token, err := s.owner(c)
	if err != nil {
		return err
	}
	document, err := s.config.Engine.Information(client, token)
	if err != nil {
		return err
	}
	noStore(c)
	return c.JSONBlob(http.StatusOK, document)
}

// updateOwn updates the client (RFC 7592 §2.2).
func (s *Server) updateOwn(c echo.Context) error {
	client, token, err := s.owner(c)
	if err != nil {
		return err
	}
	b, err := body(c, echo.MIMEApplicationJSON, s.config.MaxBody)
	if err != nil {
		return err
	}
	request, err := engine.ParseRequest(b)
	if err != nil {
		s.noteUnreadable(err)
		return err
	}
	request.ID = requestIDOf(c)
	ctx := c.Request().Context()
	r, err := s.config.Engine.Update(ctx, client, token, request)
	for attempt := 1; errors.Is(err, engine.ErrConflict); attempt++ {
		if attempt == updateAttempts {
			return fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
		}
		// The update that won may have rotated the token: authenticate again.
		if client, token, err = s.owner(c); err != nil {
			return err
		}
		r, err = s.config.Engine.Update(ctx, client, token, request)
	}
	if err != nil {
		return err
	}
	s.config.Logger.InfoContext(ctx, "client updated", "client_id", r.Client.ID, "deployment",
		r.Client.Updated.Deployment,
		"new_secret", r.Secret != "", "ip", c.RealIP(), "request_id", request.ID)
	noStore(c)
	return c.JSONBlob(http.StatusOK, r.Response)
}

// deleteOwn deletes the client (RFC 7592 §2.3).
func (s *Server) deleteOwn(c echo.Context) error {
	client, token, err := s.owner(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	err = s.config.Management.DeleteClientByToken(ctx, client.ID, engine.HashToken(token))
	if errors.Is(err, engine.ErrNotFound) {
		if _, _, err := s.owner(c); err != nil { // it may have been disabled meanwhile
			return err
		}
		return fmt.Errorf("%w: %w", engine.ErrUnavailable, engine.ErrConflict)
	}
	if err != nil {
		return err
	}
	s.config.Logger.InfoContext(ctx, "client deleted itself",
		"client_id", client.ID, "ip", c.RealIP(), "request_id", requestIDOf(c))
	noStore(c)
	return c.NoContent(http.StatusNoContent)
}

// owner returns the client in the path and the registration access token presented for it; errDisabled if the client is
// not active. Its error and its look-up are the same for an unknown client and a wrong token (RFC 7592 §2.1), so that
// neither reveals which clients exist.
func (s *Server) owner(c echo.Context) (*engine.Client, engine.Plaintext, error) {
	id, err := param(c, "id")
	if err != nil {
		return nil, "", err
	}
	scheme, sent, err := authorization(c.Request().Header)
	if err != nil {
		return nil, "", s.stranger(c, true)
	}
	token := engine.Plaintext(sent)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, "", s.stranger(c, false)
	}
	hash := engine.HashToken(token)
	client, err := s.config.Management.ClientByToken(c.Request().Context(), id, hash)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return nil, "", s.stranger(c, true)
	case err != nil:
		return nil, "", err
	}
	sameToken := subtle.ConstantTimeCompare(client.TokenHash[:], hash[:])
	sameID := subtle.ConstantTimeCompare([]byte(client.ID), []byte(id))
	if sameToken&sameID == 0 {
		return nil, "", s.stranger(c, true)
	}
	// RFC 7592 §2.1 to §2.3: 403 if the client may not read, change or delete its record.
	if !client.Active() {
		return nil, "", errDisabled
	}
	return client, token, nil
}

// stranger returns the error for a request without a valid token, and counts the failure against its address. token
// says whether a token was sent.
func (s *Server) stranger(c echo.Context, token bool) error {
	if err := s.countFailure(c, s.failures); err != nil {
		return err
	}
	return &unauthorizedError{
		token:       token,
		description: "this client configuration endpoint needs the client's own registration access token",
	}
}
