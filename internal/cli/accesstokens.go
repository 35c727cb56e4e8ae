package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"registrar/engine"
	"registrar/internal/keyset"
	"registrar/server/bearer"
)

// anyAudience is the value of --jwt-audience for tokens without an audience.
const anyAudience = "none"

// accessTokens returns the verifier of JWT access tokens, nil if no issuer of them is trusted.
func (f *registrationFlags) accessTokens(publicURL string, keys keyset.Config) (*bearer.Verifier, error) {
	if len(f.JWTIssuer) == 0 {
		if len(f.JWTAudience)+len(f.JWTScopeClaim)+len(f.JWTRequire) > 0 || f.JWTScope != "" {
			return nil, errors.New("--jwt-audience, --jwt-scope, --jwt-scope-claim and --jwt-require need --jwt-issuer")
		}
		return nil, nil
	}
	// Without a scope, every token that an issuer makes for this server could register clients.
	var noScope error
	if !engine.IsScopeToken(f.JWTScope) {
		noScope = errors.New("--jwt-scope: name the one scope that access tokens of --jwt-issuer must have")
	}
	sets, err := keyset.ParseIssuers(f.JWTIssuer, keys)
	if err != nil {
		return nil, errors.Join(noScope, fmt.Errorf("--jwt-issuer: %w", err))
	}
	issuers, err := f.issuers(sets, publicURL)
	if err = errors.Join(noScope, err); err != nil {
		return nil, err
	}
	v, err := bearer.New(bearer.Config{Issuers: issuers, Scope: f.JWTScope})
	if err != nil {
		return nil, fmt.Errorf("--jwt-issuer: %w", err)
	}
	return v, nil
}

// issuers returns the rules for the tokens of each issuer.
func (f *registrationFlags) issuers(sets keyset.Issuers, publicURL string) (map[string]bearer.Issuer, error) {
	audiences, badAudience := divide(sets, "--jwt-audience", "AUDIENCE", f.JWTAudience)
	scopeClaims, badClaim := divide(sets, "--jwt-scope-claim", "NAME", f.JWTScopeClaim)
	required, badRequire := divide(sets, "--jwt-require", "CLAIM=VALUE", f.JWTRequire)
	if err := errors.Join(badAudience, badClaim, badRequire); err != nil {
		return nil, err
	}
	issuers := make(map[string]bearer.Issuer, len(sets))
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		issuer := bearer.Issuer{Keys: sets[name], Audiences: audiences.of(name), ScopeClaims: scopeClaims.of(name)}
		for _, entry := range slices.Concat(required.common, required.own[name]) {
			claim, value, _ := strings.Cut(entry, "=")
			issuer.Require = append(issuer.Require, bearer.Requirement{Claim: claim, Value: value})
		}
		switch {
		case len(issuer.Audiences) == 0:
			issuer.Audiences = []string{publicURL}
		case !slices.Contains(issuer.Audiences, anyAudience):
		case len(issuer.Audiences) > 1:
			return nil, fmt.Errorf("--jwt-audience: the issuer %s has none and another audience; none excludes others",
				name)
		case len(issuer.Require) == 0:
			return nil, fmt.Errorf("--jwt-audience none needs a --jwt-require for the issuer %s: without both, its "+
				"tokens "+
				"for other servers could register clients", name)
		default:
			issuer.Audiences, issuer.AnyAudience = nil, true
		}
		issuers[name] = issuer
	}
	return issuers, nil
}

// perIssuer holds the values of a flag whose values are for all issuers of tokens or, as ISSUER=VALUE, for one.
type perIssuer struct {
	common []string
	own    map[string][]string // by issuer
}

// of returns the values for an issuer: its own, or if it has none the common ones.
func (p *perIssuer) of(issuer string) []string {
	if own := p.own[issuer]; own != nil {
		return own
	}
	return p.common
}

// issuerFlag returns the flag that names the issuers to which the values of another flag belong.
func issuerFlag(flag string) string {
	if strings.HasPrefix(flag, "--admin-") {
		return "--admin-issuer"
	}
	return "--jwt-issuer"
}

// divide reads the values of a flag of the given form. A value with more equals signs than the form must begin with an
// issuer, so that a misspelt issuer does not count as a part of the value.
func divide(issuers keyset.Issuers, flag, form string, list []string) (*perIssuer, error) {
	p := &perIssuer{own: map[string][]string{}}
	signs := strings.Count(form, "=")
	for _, entry := range list {
		issuer, value := issuers.CutIssuer(entry)
		if issuer == "" && strings.Count(value, "=") > signs {
			return nil, fmt.Errorf("%s %q: must be %s, or ISSUER=%s with an issuer of %s, which are %s", flag, entry,
				form, form, issuerFlag(flag), strings.Join(slices.Sorted(maps.Keys(issuers)), ", "))
		}
		before, after, found := strings.Cut(value, "=")
		if value == "" || signs > 0 && (!found || before == "" || after == "") {
			return nil, fmt.Errorf("%s %q: must be %s or ISSUER=%s", flag, entry, form, form)
		}
		if issuer == "" {
			p.common = append(p.common, value)
		} else {
			p.own[issuer] = append(p.own[issuer], value)
		}
	}
	return p, nil
}
