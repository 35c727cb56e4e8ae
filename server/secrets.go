package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/server/adminapi"
)

const (
	// maxGrace is a year, in seconds.
	maxGrace = 365 * 24 * 60 * 60
	// seenInterval is the minimum time between writes of a client's SeenAt.
	seenInterval = time.Minute
	// maxSeen bounds the client IDs in a request that marks clients as seen.
	maxSeen = 1000
)

// rotateSecret gives a client a new secret. A script that refuses it gets a 422 with the reason, for the administrator.
func (s *Server) rotateSecret(c echo.Context) error {
	var asked adminapi.RotateSecret
	if c.Request().ContentLength != 0 {
		if err := readJSON(c, &asked); err != nil {
			return err
		}
	}
	grace := int64(engine.DefaultGrace / time.Second)
	if asked.Grace != nil {
		grace = *asked.Grace
	}
	if grace < 0 || grace > maxGrace {
		return &statusError{http.StatusBadRequest, fmt.Sprintf("grace must be 0 to %d seconds", maxGrace)}
	}
	id, err := param(c, "id")
	if err != nil {
		return err
	}
	call, err := adminCallOf(c, asked.Reason)
	if err != nil {
		return err
	}
	if call.Secret = engine.Plaintext(asked.ClientSecret); call.Secret != "" {
		if err := needRoleFor(c, "a chosen client_secret"); err != nil {
			return err
		}
		if err := engine.CheckSecret(call.Secret); err != nil {
			return &statusError{http.StatusBadRequest, fmt.Sprintf("client_secret: %v", err)}
		}
	}
	var secret engine.Plaintext
	client, err := s.changeClient(c, id, func(ctx context.Context, client *engine.Client) (err error) {
		if client.Secret == nil {
			return &statusError{http.StatusConflict, fmt.Sprintf("the client has no secret: "+
				"its token_endpoint_auth_method is %s", client.Metadata.TokenEndpointAuthMethod)}
		}
		secret, err = s.config.Engine.RotateSecret(ctx, client, time.Duration(grace)*time.Second, requestIDOf(c), call)
		return err
	})
	if errors.Is(err, engine.ErrOutcomeUnknown) {
		return &repeatError{err,
			"Before another rotation, which ends the secret before, look at former_secret_expires_at " +
				"of the client."}
	}
	if err != nil {
		return err
	}
	s.logAction(c, "client secret rotated", "client_id", client.ID, "grace", grace, "deployment",
		client.Updated.Deployment)
	answer := adminapi.RotatedSecret{ClientID: client.ID, ClientSecret: secret.Reveal(),
		ClientSecretExpiresAt: seconds(client.Secret)}
	if old := client.PreviousSecret; old != nil && client.SecretIssuedAt.Before(old.ExpiresAt) {
		answer.FormerSecretExpiresAt = new(seconds(old))
	}
	return reply(c, http.StatusOK, answer)
}

// seconds returns when a secret expires in seconds since 1970; 0 means never.
func seconds(secret *engine.Secret) int64 {
	if secret.ExpiresAt.IsZero() {
		return 0
	}
	return secret.ExpiresAt.Unix()
}

// verifySecret responds with whether a secret authenticates a client: false if the client does not exist or is not
// active.
func (s *Server) verifySecret(c echo.Context) error {
	var asked adminapi.VerifySecret
	if err := readJSON(c, &asked); err != nil {
		return err
	}
	id, err := param(c, "id")
	if err != nil {
		return err
	}
	client, err := s.config.Clients.Client(c.Request().Context(), id)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return err
	}
	valid := err == nil && client.Active() && s.config.Engine.VerifySecret(client, engine.Plaintext(asked.ClientSecret))
	s.logAction(c, "client secret verified", "client_id", id, "valid", valid)
	if !valid {
		return reply(c, http.StatusOK, adminapi.VerifiedSecret{})
	}
	if now := s.config.Now(); now.Sub(client.SeenAt) >= seenInterval {
		s.config.NoteSeen(id, now)
	}
	return reply(c, http.StatusOK, adminapi.VerifiedSecret{Valid: true})
}

// markSeen records that clients are in use.
func (s *Server) markSeen(c echo.Context) error {
	var asked adminapi.Seen
	if err := readJSON(c, &asked); err != nil {
		return err
	}
	if len(asked.ClientIDs) > maxSeen {
		return &statusError{http.StatusBadRequest, fmt.Sprintf("client_ids must hold at most %d client IDs", maxSeen)}
	}
	if err := s.config.MarkSeen(c.Request().Context(), asked.ClientIDs, s.config.Now()); err != nil {
		return err
	}
	s.logAction(c, "clients marked as seen", "clients", len(asked.ClientIDs))
	return c.NoContent(http.StatusNoContent)
}
