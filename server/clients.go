package server

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/server/adminapi"
)

// listClients responds with a page of clients, or with one client if the query has a client_id, for IDs that proxies
// decode in paths.
func (s *Server) listClients(c echo.Context) error {
	if c.QueryParams().Has("client_id") {
		return s.replyClient(c, c.QueryParam("client_id"))
	}
	if err := needRoleFor(c, "a list of clients", readClients...); err != nil {
		return err
	}
	limit, err := number(c, "limit")
	if err != nil {
		return err
	}
	before, err := number(c, "after")
	if err != nil {
		return err
	}
	filter, err := clientFilter(c)
	if err != nil {
		return err
	}
	limit = min(cmp.Or(limit, adminapi.DefaultPage), adminapi.MaxPage)
	list, err := s.config.Clients.Clients(c.Request().Context(), filter, before, int(limit))
	if err != nil {
		return err
	}
	page := adminapi.Clients{Clients: make([]adminapi.Client, len(list.Clients))}
	for i, client := range list.Clients {
		if page.Clients[i], err = wireClient(client); err != nil {
			return err
		}
	}
	if list.Next != 0 {
		page.Next = strconv.FormatInt(list.Next, 10)
	}
	return reply(c, http.StatusOK, page)
}

func (s *Server) showClient(c echo.Context) error {
	id, err := param(c, "id")
	if err != nil {
		return err
	}
	return s.replyClient(c, id)
}

// replyClient responds with a client that has the status that the query asks for.
func (s *Server) replyClient(c echo.Context, id string) error {
	status, err := statusOf(c)
	if err != nil {
		return err
	}
	if status != engine.StatusActive {
		if err := needRoleFor(c, "a status other than active", readClients...); err != nil {
			return err
		}
	}
	if engine.IsDocumentURL(id) {
		return s.replyDocumentClient(c, id, status)
	}
	client, err := s.config.Clients.Client(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if status != "" && client.Active() != (status == engine.StatusActive) {
		return engine.ErrNotFound
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
		Deployment: c.Provenance.Deployment, Status: string(cmp.Or(c.Status, engine.StatusActive)), Kind: string(c.Kind()),
		Document: wireDocument(c)}
	if c.Secret != nil && !c.Secret.ExpiresAt.IsZero() {
		wire.SecretExpiresAt = &c.Secret.ExpiresAt
	}
	if c.PreviousSecret != nil {
		wire.FormerSecretExpiresAt = &c.PreviousSecret.ExpiresAt
	}
	if !c.SeenAt.IsZero() {
		wire.SeenAt = &c.SeenAt
	}
	type part struct {
		to   *jsontext.Value
		from any
	}
	parts := []part{{&wire.Metadata, &c.Metadata}, {&wire.Caller, &c.Caller}, {&wire.Acts, c.Provenance.Acts}}
	if c.Updated != nil {
		wire.Updated = &adminapi.Update{At: c.Updated.At, Deployment: c.Updated.Deployment}
		parts = append(parts, part{&wire.Updated.Acts, c.Updated.Acts})
	}
	if c.AdminActs != nil {
		parts = append(parts, part{&wire.AdminActs, c.AdminActs})
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
