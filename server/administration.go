package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/internal/displaytext"
	"registrar/scripts"
	"registrar/server/adminapi"
)

const (
	// mimeMergePatch is the media type of RFC 7396.
	mimeMergePatch = "application/merge-patch+json"
	// maxReason bounds the reason of an administrator, in characters.
	maxReason = 500
)

// adminCallOf returns who makes a call of the admin API, with the reason that they give.
func adminCallOf(c echo.Context, reason string) (*engine.AdminCall, error) {
	if n := utf8.RuneCountInString(reason); n > maxReason {
		return nil, &statusError{http.StatusBadRequest,
			fmt.Sprintf("reason has %d characters: at most %d are allowed", n, maxReason)}
	}
	if problem := displaytext.Problem(reason); reason != "" && problem != "" {
		return nil, &statusError{http.StatusBadRequest, "reason " + problem}
	}
	ip, _ := netip.ParseAddr(c.RealIP()) // zero if the address cannot be read
	admin := administratorOf(c)
	return &engine.AdminCall{Name: admin.Name, Issuer: admin.Issuer, IP: ip.Unmap(), Reason: reason}, nil
}

// metadataCall is adminCallOf for a call whose body is metadata: the query has reason and no_scripts.
func metadataCall(c echo.Context) (*engine.AdminCall, error) {
	call, err := adminCallOf(c, c.QueryParam("reason"))
	if err != nil {
		return nil, err
	}
	if call.NoScripts, err = flagParam(c, "no_scripts"); err != nil || !call.NoScripts {
		return call, err
	}
	return call, needRoleFor(c, "no_scripts")
}

// createClient registers a client by hand.
func (s *Server) createClient(c echo.Context) error {
	call, err := metadataCall(c)
	if err != nil {
		return err
	}
	b, err := body(c, echo.MIMEApplicationJSON, s.config.MaxBody)
	if err != nil {
		return err
	}
	request, err := engine.ParseRequest(b)
	if err != nil {
		return unreadable(err)
	}
	request.ID = requestIDOf(c)
	if call.ClientID, call.Secret, err = request.Chosen(); err != nil {
		return unreadable(err)
	}
	if call.ClientID != "" || call.Secret != "" {
		if err := needRoleFor(c, "a chosen client_id or client_secret"); err != nil {
			return err
		}
	}
	r, err := s.config.Engine.CreateClient(c.Request().Context(), request, call)
	if errors.Is(err, engine.ErrExists) {
		return &statusError{http.StatusConflict, "client_id is taken: choose another, or leave it out"}
	}
	if err != nil {
		return rejected(err)
	}
	s.logAction(c, "client created", "client_id", r.Client.ID, "deployment", r.Client.Provenance.Deployment,
		"no_scripts", call.NoScripts)
	return c.JSONBlob(http.StatusCreated, r.Response)
}

// replaceClient replaces a client's metadata.
func (s *Server) replaceClient(c echo.Context) error {
	return s.rewriteClient(c, echo.MIMEApplicationJSON, func(_ *engine.Client, body []byte) (*engine.Request, error) {
		return engine.ParseRequest(body)
	})
}

// patchClient changes some members of a client's metadata, by a JSON Merge Patch.
func (s *Server) patchClient(c echo.Context) error {
	return s.rewriteClient(c, mimeMergePatch, (*engine.Client).Patched)
}

// rewriteClient updates a client to the request that update makes of the body.
func (s *Server) rewriteClient(
	c echo.Context, mediaType string, update func(*engine.Client, []byte) (*engine.Request, error),
) error {
	call, err := metadataCall(c)
	if err != nil {
		return err
	}
	b, err := body(c, mediaType, s.config.MaxBody)
	if err != nil {
		return err
	}
	id, err := param(c, "id")
	if err != nil {
		return err
	}
	var r *engine.Registration
	_, err = s.changeClient(c, id, func(ctx context.Context, client *engine.Client) error {
		if err := registered(client); err != nil {
			return err
		}
		request, err := update(client, b)
		if err != nil {
			return unreadable(err)
		}
		request.ID = requestIDOf(c)
		r, err = s.config.Engine.ChangeClient(ctx, client, request, call)
		return err
	})
	if err != nil {
		return err
	}
	s.logAction(c, "client updated", "client_id", r.Client.ID, "deployment", r.Client.Updated.Deployment,
		"new_secret", r.Secret != "", "no_scripts", call.NoScripts)
	return c.JSONBlob(http.StatusOK, r.Response)
}

// registered returns an error for a client with a metadata document, for calls that only registered clients have.
func registered(client *engine.Client) error {
	if client.MetadataDocument == nil {
		return nil
	}
	return &statusError{http.StatusConflict,
		"the client is what its metadata document says: change the document, or pin a copy of it"}
}

// changeClient changes the client with an ID, of any status, and reads it again while others change it. It returns the
// client that change got last.
func (s *Server) changeClient(
	c echo.Context, id string, change func(context.Context, *engine.Client) error,
) (*engine.Client, error) {
	ctx := c.Request().Context()
	for range updateAttempts {
		client, err := s.config.Clients.Client(ctx, id)
		if err != nil {
			return nil, err
		}
		if err := change(ctx, client); !errors.Is(err, engine.ErrConflict) {
			return client, rejected(err)
		}
	}
	return nil, fmt.Errorf("%w: %w", engine.ErrUnavailable, engine.ErrConflict)
}

// unreadable returns the error of a body that is no metadata: a 400.
func unreadable(err error) error {
	if refusal, refused := errors.AsType[*engine.Error](err); refused {
		return &statusError{http.StatusBadRequest, refusal.Description}
	}
	return err
}

// rejected returns the error of a change that the steps or a script refused: a 422 with the reason, for the
// administrator.
func rejected(err error) error {
	if _, refused := errors.AsType[*engine.Error](err); refused {
		return &scripts.RejectedError{Reasons: []string{err.Error()}}
	}
	return err
}

func (s *Server) disableClient(c echo.Context) error {
	return s.setStatus(c, engine.StatusDisabled, "client disabled")
}

func (s *Server) enableClient(c echo.Context) error {
	return s.setStatus(c, engine.StatusActive, "client enabled")
}

// setStatus responds with the client. A client that has the status already is not changed.
func (s *Server) setStatus(c echo.Context, status engine.Status, says string) error {
	call, err := s.statusCall(c)
	if err != nil {
		return err
	}
	id, err := param(c, "id")
	if err != nil {
		return err
	}
	changed := false
	client, err := s.changeClient(c, id, func(ctx context.Context, client *engine.Client) error {
		if changed = client.Active() != (status == engine.StatusActive); !changed {
			return nil
		}
		return s.config.Engine.SetStatus(ctx, client, status, call)
	})
	if err != nil {
		return err
	}
	s.logAction(c, says, "client_id", client.ID, "reason", call.Reason, "changed", changed)
	wire, err := wireClient(client)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, wire)
}

// statusCall reads an optional [adminapi.StatusChange].
func (s *Server) statusCall(c echo.Context) (*engine.AdminCall, error) {
	var asked adminapi.StatusChange
	if c.Request().ContentLength != 0 {
		if err := readJSON(c, &asked); err != nil {
			return nil, err
		}
	}
	return adminCallOf(c, asked.Reason)
}

// reissueToken gives a client a new registration access token.
func (s *Server) reissueToken(c echo.Context) error {
	call, err := s.statusCall(c)
	if err != nil {
		return err
	}
	id, err := param(c, "id")
	if err != nil {
		return err
	}
	if !s.config.Engine.Managed() {
		return &statusError{http.StatusConflict,
			"clients of this server do not manage themselves: it has no management"}
	}
	var token engine.Plaintext
	var uri string
	client, err := s.changeClient(c, id, func(ctx context.Context, client *engine.Client) (err error) {
		if err := registered(client); err != nil {
			return err
		}
		token, uri, err = s.config.Engine.ReissueToken(ctx, client, call)
		return err
	})
	if err != nil {
		return err
	}
	s.logAction(c, "registration access token reissued", "client_id", client.ID)
	return reply(c, http.StatusOK, adminapi.ReissuedToken{ClientID: client.ID, AccessToken: token.Reveal(),
		ClientURI: uri})
}
