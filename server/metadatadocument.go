package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/internal/fetch"
	"registrar/internal/netrule"
	"registrar/server/adminapi"
	"registrar/server/documents"
)

// FollowDocuments writes when metadata documents were used, until ctx is done.
func (s *Server) FollowDocuments(ctx context.Context) {
	if s.documents != nil {
		s.documents.Follow(ctx)
	}
}

// metadataDocument resolves a client whose ID is the URL of its metadata.
func (s *Server) metadataDocument(c echo.Context) error {
	url, err := s.documentURL(c)
	if err != nil {
		return err
	}
	withKeys, err := wantsKeys(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	r, err := s.documents.Resolve(ctx, url, requestIDOf(c))
	if err != nil {
		return unresolved(err)
	}
	answer, err := wireResolution(r)
	if err == nil && withKeys {
		err = s.addKeys(ctx, answer, &r.Client.Metadata)
	}
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, answer)
}

// refreshDocument is metadataDocument, but fetches a document that is fresh too.
func (s *Server) refreshDocument(c echo.Context) error {
	url, err := s.documentURL(c)
	if err != nil {
		return err
	}
	r, err := s.documents.Refresh(c.Request().Context(), url, requestIDOf(c))
	if err != nil {
		return unresolved(err)
	}
	s.logAction(c, "metadata document refreshed", "client_id", url)
	answer, err := wireResolution(r)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, answer)
}

// pinDocument puts the document in the body in force.
func (s *Server) pinDocument(c echo.Context) error {
	url, err := s.documentURL(c)
	if err != nil {
		return err
	}
	call, err := adminCallOf(c, c.QueryParam("reason"))
	if err != nil {
		return err
	}
	b, err := body(c, echo.MIMEApplicationJSON, s.config.MaxBody)
	if err != nil {
		return err
	}
	if _, err := engine.ParseRequest(b); err != nil {
		return unreadable(err)
	}
	client, err := s.documents.Pin(c.Request().Context(), url, b, call, requestIDOf(c))
	if err != nil {
		return unresolved(err)
	}
	s.logAction(c, "metadata document pinned", "client_id", url, "reason", call.Reason,
		"digest", documents.Digest(client.MetadataDocument.Digest))
	return replyWireClient(c, client)
}

// unpinDocument has the document be fetched again.
func (s *Server) unpinDocument(c echo.Context) error {
	url, err := s.documentURL(c)
	if err != nil {
		return err
	}
	call, err := adminCallOf(c, c.QueryParam("reason"))
	if err != nil {
		return err
	}
	client, err := s.documents.Unpin(c.Request().Context(), url, call)
	if err != nil {
		return unresolved(err)
	}
	s.logAction(c, "metadata document unpinned", "client_id", url, "reason", call.Reason)
	return replyWireClient(c, client)
}

// documentHistory responds with the last changes of a document.
func (s *Server) documentHistory(c echo.Context) error {
	url, err := s.documentURL(c)
	if err != nil {
		return err
	}
	_, changes, err := s.documents.History(c.Request().Context(), url)
	if err != nil {
		return unresolved(err)
	}
	wire := adminapi.DocumentHistory{ClientID: url, Changes: make([]adminapi.DocumentChange, len(changes))}
	for i, change := range changes {
		wire.Changes[i] = adminapi.DocumentChange(change)
	}
	return reply(c, http.StatusOK, wire)
}

// documentURL returns the URL in the query.
func (s *Server) documentURL(c echo.Context) (string, error) {
	if s.documents == nil {
		return "", &statusError{http.StatusNotFound,
			"metadata documents are disabled: --metadata-documents enables them"}
	}
	url := c.QueryParam("url")
	if err := engine.CheckDocumentURL(url); err != nil {
		refusal, _ := errors.AsType[*engine.Error](err)
		return "", &statusError{http.StatusBadRequest, "url: " + refusal.Description}
	}
	return url, nil
}

// replyDocumentClient responds with the client whose ID is a URL. An active one is resolved; a disabled one is shown as
// it is stored, if the status allows it; "" means any.
func (s *Server) replyDocumentClient(c echo.Context, url string, status engine.Status) error {
	ctx := c.Request().Context()
	if status != engine.StatusActive {
		client, err := s.config.Clients.Client(ctx, url)
		absent := errors.Is(err, engine.ErrNotFound)
		switch {
		case err != nil && !absent:
			return err
		case !absent && (!client.Active() || status == "" && s.documents == nil):
			return replyWireClient(c, client)
		case status == engine.StatusDisabled:
			return engine.ErrNotFound
		}
	}
	if s.documents == nil || engine.CheckDocumentURL(url) != nil {
		return engine.ErrNotFound // no client has such an ID
	}
	r, err := s.documents.Resolve(ctx, url, requestIDOf(c))
	if err != nil {
		return unresolved(err)
	}
	wire, err := wireClient(r.Client)
	if err != nil {
		return err
	}
	wire.Document.Staleness = stalenessOf(r)
	return reply(c, http.StatusOK, wire)
}

func replyWireClient(c echo.Context, client *engine.Client) error {
	wire, err := wireClient(client)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, wire)
}

func wireResolution(r *documents.Resolution) (*adminapi.MetadataDocument, error) {
	acts := r.Client.Provenance.Acts
	if acts == nil {
		acts = []engine.Act{}
	}
	wire, err := json.Marshal(acts)
	if err != nil {
		return nil, fmt.Errorf("writing the acts: %w", err)
	}
	metadata, err := r.Client.Document()
	if err != nil {
		return nil, err
	}
	return &adminapi.MetadataDocument{ClientID: r.Client.ID, Metadata: metadata,
		Deployment: r.Client.Provenance.Deployment, Acts: wire, ExpiresAt: optionalTime(r.FreshUntil),
		Origin: originOf(r.Client), Staleness: stalenessOf(r)}, nil
}

// refusedDocumentAnswer returns the response to a document that is refused.
func refusedDocumentAnswer(e *engine.DocumentError) answer {
	return answer{status: http.StatusUnprocessableEntity, code: "invalid_request", description: "rejected; see reasons",
		reasons: []string{e.Error()}, failure: &adminapi.DocumentFailure{Code: string(e.Code)}}
}

// unresolved returns the error of a document as callers read it.
func unresolved(err error) error {
	if state, ok := errors.AsType[*documents.StateError](err); ok {
		return &statusError{http.StatusConflict, state.Error()}
	}
	return err
}

// stalenessOf tells whether the last good copy serves.
func stalenessOf(r *documents.Resolution) adminapi.Staleness {
	failed, stale := errors.AsType[*fetch.Error](r.Failure)
	if !stale {
		return adminapi.Staleness{}
	}
	failure := wireFailure(failed)
	if content, refused := errors.AsType[*engine.DocumentError](r.Failure); refused {
		failure.Code = string(content.Code) // what is at a URL in the document was not fetched
	}
	return adminapi.Staleness{Stale: true, Failure: failure}
}

// wireDocument converts what is kept of a client's metadata document; nil means that the client is registered.
func wireDocument(c *engine.Client) *adminapi.Document {
	d := c.MetadataDocument
	if d == nil {
		return nil
	}
	wire := &adminapi.Document{Kept: d.Kept, FetchedAt: optionalTime(d.FetchedAt),
		FreshUntil: optionalTime(d.FreshUntil), PinnedAt: optionalTime(d.PinnedAt), Origin: originOf(c)}
	if d.Digest != nil {
		wire.Digest = documents.Digest(d.Digest)
	}
	return wire
}

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// originOf returns the hosts that consent shows (draft-ietf-oauth-client-id-metadata-document-02 §8.5).
func originOf(c *engine.Client) adminapi.Origin {
	uris := c.Metadata.RedirectURIs
	origin := adminapi.Origin{RedirectHosts: []string{}, LoopbackOnly: len(uris) > 0}
	if u, err := url.Parse(c.ID); err == nil {
		origin.ClientHost = u.Host
	}
	for _, uri := range uris {
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" {
			origin.LoopbackOnly = false // a private-use scheme
			continue
		}
		host := strings.ToLower(u.Hostname())
		origin.LoopbackOnly = origin.LoopbackOnly && netrule.IsLoopback(host)
		if !slices.Contains(origin.RedirectHosts, host) {
			origin.RedirectHosts = append(origin.RedirectHosts, host)
		}
	}
	return origin
}

// unfetchedAnswer returns the response to a document that was not fetched. What the host sent is not in it.
func unfetchedAnswer(e *fetch.Error) answer {
	switch e.Code {
	case fetch.CodeBusy:
		return answer{status: http.StatusServiceUnavailable, code: "temporarily_unavailable", description: e.Reason,
			retryAfter: e.RetryAfter}
	case fetch.CodeHostBusy:
		return answer{status: http.StatusTooManyRequests, code: "temporarily_unavailable", description: e.Reason,
			retryAfter: e.RetryAfter}
	}
	return answer{status: http.StatusUnprocessableEntity, code: "invalid_request", description: "rejected; see reasons",
		reasons: []string{"the document cannot be fetched: " + e.Reason}, failure: wireFailure(e)}
}

func wireFailure(e *fetch.Error) *adminapi.DocumentFailure {
	return &adminapi.DocumentFailure{Code: string(e.Code), Status: e.Status, Size: e.Size, Family: e.Family}
}
