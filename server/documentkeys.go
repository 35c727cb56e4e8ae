package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/internal/fetch"
	"registrar/server/adminapi"
)

// codeKeys is the code of keys that cannot be had, or are refused.
const codeKeys = "keys"

// A keysError is the reason why the keys at the jwks_uri of a document cannot be used.
type keysError struct {
	reason string
	fetch  *fetch.Error // why they were not fetched; nil means that they were
}

func (e *keysError) Error() string { return e.reason }

// failure returns the reason for an administrator.
func (e *keysError) failure() *adminapi.DocumentFailure {
	if e.fetch == nil {
		return &adminapi.DocumentFailure{Code: codeKeys}
	}
	return &adminapi.DocumentFailure{Code: codeKeys, Status: e.fetch.Status, Size: e.fetch.Size, Family: e.fetch.Family}
}

// documentKeys returns the public keys of a client, from its metadata or its jwks_uri, and until when they are kept;
// no keys where it has none. So a token endpoint that checks what a client signed fetches nothing itself.
func (s *Server) documentKeys(ctx context.Context, m *engine.Metadata) (jsontext.Value, time.Time, error) {
	if m.JWKSURI == "" {
		return m.JWKS, time.Time{}, nil
	}
	if s.config.FetchKeys == nil {
		return nil, time.Time{}, &keysError{"jwks_uri: this server fetches no keys", nil}
	}
	r, err := s.config.FetchKeys(ctx, m.JWKSURI)
	if failed, ok := errors.AsType[*fetch.Error](err); ok && failed.RetryAfter == 0 {
		return nil, time.Time{}, &keysError{"jwks_uri: the document cannot be fetched: " + failed.Reason, failed}
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	if refusal, refused := errors.AsType[*engine.Error](engine.CheckKeySet(r.Body)); refused {
		return nil, time.Time{}, &keysError{"jwks_uri: in the document, " + refusal.Description, nil}
	}
	return r.Body, r.FreshUntil, nil
}

// wantsKeys reports whether the keys are asked for.
func wantsKeys(c echo.Context) (bool, error) {
	switch c.QueryParam("keys") {
	case "":
		return false, nil
	case "1":
		return true, nil
	}
	return false, &statusError{http.StatusBadRequest, "keys must be 1, or left out"}
}

// addKeys adds the keys of m to the wire form of its client, which is then kept no longer than they are.
func (s *Server) addKeys(ctx context.Context, to *adminapi.MetadataDocument, m *engine.Metadata) error {
	keys, until, err := s.documentKeys(ctx, m)
	if err != nil {
		return err
	}
	to.Keys = keys
	if !until.IsZero() && (to.ExpiresAt == nil || until.Before(*to.ExpiresAt)) {
		to.ExpiresAt = &until
	}
	return nil
}
