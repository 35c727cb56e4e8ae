package server

import (
	"cmp"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/server/adminapi"
)

func (s *Server) listClients(c echo.Context) error {
	limit, err := number(c, "limit")
	if err != nil {
		return err
	}
	limit = min(cmp.Or(limit, adminapi.DefaultPage), adminapi.MaxPage)
	list, err := s.config.Clients.Clients(c.Request().Context(), c.QueryParam("after"), c.QueryParam("q"), int(limit))
	if err != nil {
		return err
	}
	page := adminapi.Clients{Clients: make([]adminapi.Client, len(list))}
	for i, client := range list {
		if page.Clients[i], err = wireClient(client); err != nil {
			return err
		}
	}
	return reply(c, http.StatusOK, page)
}

func (s *Server) showClient(c echo.Context) error {
	id, err := param(c, "id")
	if err != nil {
		return err
	}
	client, err := s.config.Clients.Client(c.Request().Context(), id)
	if err != nil {
		return err
	}
	wire, err := wireClient(client)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, wire)
}

func (s *Server) deleteClient(c echo.Context) error {
	id, err := param(c, "id")
	if err != nil {
		return err
	}
	if err := s.config.Clients.DeleteClient(c.Request().Context(), id); err != nil {
		return err
	}
	s.logAction(c, "client deleted", "client_id", id)
	return c.NoContent(http.StatusNoContent)
}

// wireClient converts a client for the admin API.
func wireClient(c *engine.Client) (adminapi.Client, error) {
	wire := adminapi.Client{ClientID: c.ID, IssuedAt: c.IssuedAt, HasSecret: c.Secret != nil,
		Deployment: c.Provenance.Deployment}
	if c.Secret != nil && !c.Secret.ExpiresAt.IsZero() {
		wire.SecretExpiresAt = &c.Secret.ExpiresAt
	}
	if c.PreviousSecret != nil {
		wire.FormerSecretExpiresAt = &c.PreviousSecret.ExpiresAt
	}
	if !c.SeenAt.IsZero() {
		wire.SeenAt = &c.SeenAt
	}
	parts := []struct {
		to   *jsontext.Value
		from any
	}{{&wire.Metadata, &c.Metadata}, {&wire.Caller, &c.Caller}, {&wire.Acts, c.Provenance.Acts}}
	if c.Updated != nil {
		wire.Updated = &adminapi.Update{At: c.Updated.At, Deployment: c.Updated.Deployment}
		parts = append(parts, struct {
			to   *jsontext.Value
			from any
		}{&wire.Updated.Acts, c.Updated.Acts})
	}
	for _, part := range parts {
		b, err := json.Marshal(part.from, json.Deterministic(true))
		if err != nil {
			return wire, fmt.Errorf("writing client %s: %w", c.ID, err)
		}
		*part.to = b
	}
	return wire, nil
}
