package engine

import (
	"context"
	"slices"
	"strings"
)

// scopeOfflineAccess requests a refresh token (OpenID Connect Core 1.0 §11). It grants no access itself, so a client
// with only this scope still gets the default scopes.
const scopeOfflineAccess = "offline_access"

// setScopes keeps the scopes that the operator allows. If none is left, it runs set_default_scopes.
func setScopes(ctx context.Context, r *Registration) error {
	o := &r.engine.options
	kept := []string{}
	left := false
	for _, s := range strings.Split(r.Request.Metadata.Scope, " ") {
		if s == "" {
			continue // tolerate extra spaces
		}
		if !IsScopeToken(s) {
			return Refuse("scope: '%s' is not a scope: use visible ASCII without quotation marks and backslashes, "+
				"separated by spaces", s)
		}
		if o.AllowedScopes != nil && !slices.Contains(o.AllowedScopes, s) || slices.Contains(kept, s) {
			continue
		}
		kept = append(kept, s)
		left = left || s != scopeOfflineAccess
	}
	r.Client.Metadata.Scope = strings.Join(kept, " ")
	if left {
		return nil
	}
	return r.steps.SetDefaultScopes(ctx, r)
}

// setDefaultScopes adds the operator's default scopes.
func setDefaultScopes(_ context.Context, r *Registration) error {
	out := &r.Client.Metadata
	for _, s := range r.engine.options.DefaultScopes {
		if !hasWord(out.Scope, s) {
			out.Scope = strings.TrimPrefix(out.Scope+" "+s, " ")
		}
	}
	return nil
}

// IsScopeToken reports whether s is a scope-token of RFC 6749 §3.3.
func IsScopeToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r < 0x21 || r == '"' || r == '\\' || r > 0x7e
	}) < 0
}
