package server

import (
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/internal/displaytext"
	"registrar/internal/token"
	"registrar/server/adminapi"
)

const (
	defaultUses      = 1
	defaultExpiresIn = 24 * time.Hour

	maxLabel     = 255                       // characters
	maxUses      = 1_000_000_000             // of one token
	maxExpiresIn = 10 * 365 * 24 * time.Hour // of one token
	maxScopes    = 100                       // of one token
	maxScope     = 255                       // bytes
)

func (s *Server) createInitialAccessToken(c echo.Context) error {
	var asked adminapi.NewInitialAccessToken
	if err := readJSON(c, &asked); err != nil {
		return err
	}
	t, err := s.newInitialAccessToken(asked)
	if err != nil {
		return err
	}
	secret, hash, err := token.New(s.config.Random)
	if err != nil {
		return err
	}
	t.Hash = hash
	if err := s.config.InitialAccessTokens.AddInitialAccessToken(c.Request().Context(), t); err != nil {
		return err
	}
	s.logAction(c, "initial access token created", "token_id", t.ID)
	wire := wireInitialAccessToken(t)
	wire.Token = secret
	return reply(c, http.StatusCreated, wire)
}

// newInitialAccessToken returns a token as requested, without its hash.
func (s *Server) newInitialAccessToken(asked adminapi.NewInitialAccessToken) (*engine.InitialAccessToken, error) {
	uses, expiresIn := int64(defaultUses), int64(defaultExpiresIn/time.Second)
	if asked.MaxUses != nil {
		uses = *asked.MaxUses
	}
	if asked.ExpiresIn != nil {
		expiresIn = *asked.ExpiresIn
	}
	refuse := func(format string, args ...any) error {
		return &statusError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
	}
	switch n := utf8.RuneCountInString(asked.Label); {
	case n < 1 || n > maxLabel:
		return nil, refuse("label has %d characters: it must have 1 to %d", n, maxLabel)
	case uses < 0 || uses > maxUses:
		return nil, refuse("max_uses must be 1 to %d, or 0 for any number", maxUses)
	case expiresIn < 0 || expiresIn > int64(maxExpiresIn/time.Second):
		return nil, refuse("expires_in must be 1 to %d seconds, or 0 for a token that never expires",
			int64(maxExpiresIn/time.Second))
	case len(asked.Scopes) > maxScopes:
		return nil, refuse("scopes has %d elements: at most %d are allowed", len(asked.Scopes), maxScopes)
	}
	if problem := displaytext.Problem(asked.Label); problem != "" {
		return nil, refuse("label %s", problem)
	}
	var scopes []string
	for i, scope := range asked.Scopes {
		if !engine.IsScopeToken(scope) || len(scope) > maxScope {
			return nil, refuse("scopes[%d] must be a scope of at most %d characters: "+
				"visible ASCII without spaces, quotation marks and backslashes", i, maxScope)
		}
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	id, err := uuid.NewV7FromReader(s.config.Random)
	if err != nil {
		return nil, fmt.Errorf("naming an initial access token: %w", err)
	}
	t := &engine.InitialAccessToken{ID: id.String(), Label: asked.Label, Scopes: scopes,
		MaxUses: uses, UsesLeft: uses, CreatedAt: s.config.Now().UTC().Truncate(time.Microsecond)}
	if expiresIn > 0 {
		t.ExpiresAt = t.CreatedAt.Add(time.Duration(expiresIn) * time.Second)
	}
	return t, nil
}

func (s *Server) listInitialAccessTokens(c echo.Context) error {
	list, err := s.config.InitialAccessTokens.InitialAccessTokens(c.Request().Context())
	if err != nil {
		return err
	}
	page := adminapi.InitialAccessTokens{Tokens: make([]adminapi.InitialAccessToken, len(list))}
	for i, t := range list {
		page.Tokens[i] = wireInitialAccessToken(t)
	}
	return reply(c, http.StatusOK, page)
}

func (s *Server) deleteInitialAccessToken(c echo.Context) error {
	id, err := param(c, "id")
	if err != nil {
		return err
	}
	if err := s.config.InitialAccessTokens.DeleteInitialAccessToken(c.Request().Context(), id); err != nil {
		return err
	}
	s.logAction(c, "initial access token revoked", "token_id", id)
	return c.NoContent(http.StatusNoContent)
}

// wireInitialAccessToken converts a token for the admin API, without the token itself.
func wireInitialAccessToken(t *engine.InitialAccessToken) adminapi.InitialAccessToken {
	wire := adminapi.InitialAccessToken{ID: t.ID, Label: t.Label, Scopes: t.Scopes, MaxUses: t.MaxUses,
		CreatedAt: t.CreatedAt}
	if wire.Scopes == nil {
		wire.Scopes = []string{}
	}
	if t.MaxUses != 0 {
		wire.UsesLeft = &t.UsesLeft
	}
	if !t.ExpiresAt.IsZero() {
		wire.ExpiresAt = &t.ExpiresAt
	}
	return wire
}
