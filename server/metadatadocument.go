package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/internal/fetch"
	"registrar/scripts"
	"registrar/server/adminapi"
)

// documentsKept is how many metadata documents are kept in memory, each of at most 64 KiB.
const documentsKept = 256

func newDocumentCache(
	get func(ctx context.Context, url string, c fetch.Conditions) (*fetch.Response, error),
) *fetch.Cache {
	return fetch.NewCache(fetch.CacheConfig{Get: get, Size: documentsKept})
}

// metadataDocument resolves a client whose ID is the URL of its metadata. Valid documents are kept, but the steps run
// each time, so that the policy in force applies.
func (s *Server) metadataDocument(c echo.Context) error {
	if s.config.FetchDocument == nil {
		return &statusError{http.StatusNotFound, "metadata documents are disabled: --metadata-documents enables them"}
	}
	url := c.QueryParam("url")
	if err := engine.CheckDocumentURL(url); err != nil {
		refusal, _ := errors.AsType[*engine.Error](err)
		return &statusError{http.StatusBadRequest, "url: " + refusal.Description}
	}
	withKeys, err := wantsKeys(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	document, err := s.documents.Get(ctx, url)
	if err != nil {
		return err
	}
	r, err := s.config.Engine.ResolveDocument(ctx, url, document.Body, &engine.Caller{Auth: engine.AuthNone},
		requestIDOf(c))
	if refusal, refused := errors.AsType[*engine.Error](err); refused {
		s.documents.Forget(url)
		return &scripts.RejectedError{Reasons: []string{refusal.Error()}}
	}
	if err != nil {
		return err
	}
	acts := r.Client.Provenance.Acts
	if acts == nil {
		acts = []engine.Act{}
	}
	wire, err := json.Marshal(acts)
	if err != nil {
		return fmt.Errorf("writing the acts: %w", err)
	}
	answer := adminapi.MetadataDocument{ClientID: url, Metadata: r.Response,
		Deployment: r.Client.Provenance.Deployment, Acts: wire, ExpiresAt: document.FreshUntil}
	if withKeys {
		if err := s.addKeys(ctx, &answer, &r.Client.Metadata); err != nil {
			return err
		}
	}
	return reply(c, http.StatusOK, answer)
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
		reasons: []string{"the document cannot be fetched: " + e.Reason},
		failure: &adminapi.DocumentFailure{Code: string(e.Code), Status: e.Status, Size: e.Size, Family: e.Family}}
}
