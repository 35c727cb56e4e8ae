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
	kept := distinct{values: make([]string, 0, 8)} // a few take no memory of the heap
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
		if o.AllowedScopes == nil || slices.Contains(o.AllowedScopes, s) {
			kept.add(s)
			left = left || s != scopeOfflineAccess
		}
	}
	r.Client.Metadata.Scope = strings.Join(kept.values, " ")
	if left {
		return nil
	}
	return r.runStep(ctx, stepSetDefaultScopes, r.steps.SetDefaultScopes)
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

// plainScope returns scopes separated by single spaces, each once: scope itself if it has that form.
func plainScope(scope string) string {
	if strings.Count(scope, " ") < manyValues && plain(scope) {
		return scope
	}
	var kept distinct
	for s := range strings.SplitSeq(scope, " ") {
		if s != "" {
			kept.add(s)
		}
	}
	return strings.Join(kept.values, " ")
}

// plain reports whether scopes are separated by single spaces, and each is there once. It compares each with the
// others.
func plain(scope string) bool {
	for s, rest, more := "", scope, scope != ""; more; {
		if s, rest, more = strings.Cut(rest, " "); s == "" || more && hasWord(rest, s) {
			return false
		}
	}
	return true
}
