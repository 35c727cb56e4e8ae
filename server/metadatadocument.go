package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/scripts"
	"registrar/server/adminapi"
)

const (
	documentAge   = 5 * time.Minute // how long a metadata document is cached
	documentsKept = 256             // how many are cached, each of at most 64 KiB
)

// A keptDocument is a cached metadata document.
type keptDocument struct {
	bytes   []byte
	expires time.Time
}

func newDocumentCache() *lru.Cache[string, keptDocument] {
	cache, err := lru.New[string, keptDocument](documentsKept)
	if err != nil {
		panic(err) // the size is above 0
	}
	return cache
}

// metadataDocument resolves a client whose ID is the URL of its metadata. Valid documents are cached, but the steps run
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
	ctx := c.Request().Context()
	document, err := s.document(ctx, url)
	if err != nil {
		return err
	}
	r, err := s.config.Engine.ResolveDocument(ctx, url, document.bytes, &engine.Caller{Auth: engine.AuthNone},
		requestIDOf(c))
	if refusal, refused := errors.AsType[*engine.Error](err); refused {
		s.documents.Remove(url)
		return &scripts.RejectedError{Reasons: []string{refusal.Error()}}
	}
	if err != nil {
		return err
	}
	s.documents.Add(url, document)
	acts := r.Client.Provenance.Acts
	if acts == nil {
		acts = []engine.Act{}
	}
	wire, err := json.Marshal(acts)
	if err != nil {
		return fmt.Errorf("writing the acts: %w", err)
	}
	return reply(c, http.StatusOK, adminapi.MetadataDocument{ClientID: url, Metadata: r.Response,
		Deployment: r.Client.Provenance.Deployment, Acts: wire, ExpiresAt: document.expires})
}

// document returns the document at a URL, from the cache or fetched.
func (s *Server) document(ctx context.Context, url string) (keptDocument, error) {
	if kept, ok := s.documents.Get(url); ok && time.Now().Before(kept.expires) {
		return kept, nil
	}
	b, err := s.config.FetchDocument(ctx, url)
	if err != nil && ctx.Err() != nil {
		return keptDocument{}, err
	}
	if err != nil {
		reason := "the document cannot be fetched: " + err.Error()
		return keptDocument{}, &scripts.RejectedError{Reasons: []string{reason}}
	}
	return keptDocument{b, time.Now().UTC().Truncate(time.Second).Add(documentAge)}, nil
}
