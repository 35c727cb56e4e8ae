package engine

import (
	"context"
	"slices"
	"strings"
)

// scopeOfflineAccess requests a refresh token (OpenID Connect Core 1.0 §11). It grants no access itself, so a client
// with only this scope still gets the default scopes.
const scopeOfflineAccess = "offline_access"

// manyScopes is the number of scopes from which a map is faster than a list.
const manyScopes = 32

// setScopes keeps the scopes that the operator allows. If none is left, it runs set_default_scopes.
func setScopes(ctx context.Context, r *Registration) error {
	o := &r.engine.options
	kept := []string{}
	var taken map[string]bool // of kept, once there are many
	left := false
	for s, rest := "", r.Request.Metadata.Scope; rest != ""; {
		s, rest, _ = strings.Cut(rest, " ")
		if s == "" {
			continue // tolerate extra spaces
		}
		if !IsScopeToken(s) {
			return Refuse("scope: '%s' is not a scope: use visible ASCII without quotation marks and backslashes, "+
				"separated by spaces", s)
		}
		if o.AllowedScopes != nil && !slices.Contains(o.AllowedScopes, s) || taken[s] ||
			taken == nil && slices.Contains(kept, s) {
			continue
		}
		kept = append(kept, s)
		left = left || s != scopeOfflineAccess
		if taken != nil {
			taken[s] = true
		} else if len(kept) == manyScopes {
			taken = make(map[string]bool)
			for _, one := range kept {
				taken[one] = true
			}
		}
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
