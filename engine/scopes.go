package engine

import (
	"context"
	"slices"
	"strings"
)

// scopeOfflineAccess asks for a refresh token (OpenID Connect Core 1.0 §11). It says nothing of what may be reached, so
// it does not keep the default scopes away.
const scopeOfflineAccess = "offline_access"

// setScopes keeps the scopes that the operator allows. Where none is left, the step set_default_scopes decides.
func setScopes(ctx context.Context, r *Registration) error {
	o := &r.engine.options
	kept := []string{}
	left := false
	for _, s := range strings.Split(r.Request.Metadata.Scope, " ") {
		if s == "" {
			continue // one space too many is not worth a refusal
		}
		if !IsScopeToken(s) {
			return Refuse("scope: '%s' is no scope: visible ASCII without quotation mark and backslash, separated by spaces", s)
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
