package cli

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"

	"registrar/engine"
	"registrar/internal/keyset"
	"registrar/server/bearer"
)

// accessTokens returns what checks JWT access tokens; nil where no issuer of them is trusted.
func (f *registrationFlags) accessTokens(publicURL string, logger *slog.Logger) (*bearer.Verifier, error) {
	if len(f.JWTIssuer) == 0 {
		if f.JWTAudience != "" || f.JWTScope != "" {
			return nil, errors.New("--jwt-audience and --jwt-scope say nothing without --jwt-issuer")
		}
		return nil, nil
	}
	// Without a scope, whatever an issuer makes for this server would register.
	if !engine.IsScopeToken(f.JWTScope) {
		return nil, errors.New("--jwt-scope: name the one scope that access tokens of --jwt-issuer need to register")
	}
	issuers, err := keyset.ParseIssuers(f.JWTIssuer, keyset.Config{Logger: logger})
	if err != nil {
		return nil, fmt.Errorf("--jwt-issuer: %w", err)
	}
	v, err := bearer.New(bearer.Config{Issuers: issuers, Audience: cmp.Or(f.JWTAudience, publicURL), Scope: f.JWTScope})
	if err != nil {
		return nil, fmt.Errorf("--jwt-issuer: %w", err)
	}
	return v, nil
}
