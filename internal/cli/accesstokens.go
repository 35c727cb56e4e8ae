package cli

import (
	"cmp"
	"errors"
	"fmt"

	"registrar/engine"
	"registrar/internal/keyset"
	"registrar/server/bearer"
)

// accessTokens returns the verifier of JWT access tokens, nil if no issuer of them is trusted.
func (f *registrationFlags) accessTokens(publicURL string, keys keyset.Config) (*bearer.Verifier, error) {
	if len(f.JWTIssuer) == 0 {
		if f.JWTAudience != "" || f.JWTScope != "" {
			return nil, errors.New("--jwt-audience and --jwt-scope need --jwt-issuer")
		}
		return nil, nil
	}
	// Without a scope, every token that an issuer makes for this server could register clients.
	if !engine.IsScopeToken(f.JWTScope) {
		return nil, errors.New("--jwt-scope: name the one scope that access tokens of --jwt-issuer must have")
	}
	issuers, err := keyset.ParseIssuers(f.JWTIssuer, keys)
	if err != nil {
		return nil, fmt.Errorf("--jwt-issuer: %w", err)
	}
	v, err := bearer.New(bearer.Config{Issuers: issuers, Audience: cmp.Or(f.JWTAudience, publicURL), Scope: f.JWTScope})
	if err != nil {
		return nil, fmt.Errorf("--jwt-issuer: %w", err)
	}
	return v, nil
}
