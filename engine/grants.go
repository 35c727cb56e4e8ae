package engine

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// The grant types of RFC 7591 §2 and RFC 8628 §3.4.
const (
	grantAuthorizationCode = "authorization_code"
	grantImplicit          = "implicit"
	grantRefreshToken      = "refresh_token"
	grantClientCredentials = "client_credentials"
	grantDeviceCode        = "urn:ietf:params:oauth:grant-type:device_code"
)

// The words of response types; they may be in any order (OAuth 2.0 Multiple Response Type Encoding Practices §5).
const (
	responseCode    = "code"
	responseToken   = "token"
	responseIDToken = "id_token"
)

// setGrantTypes sets the client's grant types, response types and authentication method.
func setGrantTypes(_ context.Context, r *Registration) error {
	in, out := &r.Request.Metadata, &r.Client.Metadata
	if r.document == "" {
		if err := checkAuthMethod(in.TokenEndpointAuthMethod); err != nil {
			return err
		}
	}
	grants, responses, err := r.fit(in)
	if err != nil {
		return err
	}
	method, err := r.authMethod(in, grants)
	if err != nil {
		return err
	}
	if method == authMethodNone && slices.Contains(grants, grantClientCredentials) {
		// RFC 6749 §4.4: only confidential clients may use this grant.
		return Refuse("grant_types holds client_credentials, which needs a client that can authenticate: " +
			"token_endpoint_auth_method must not be none")
	}
	if slices.Contains(grants, grantRefreshToken) && !slices.ContainsFunc(grants, issuesRefreshTokens) {
		return Refuse("grant_types holds refresh_token without a grant that issues refresh tokens, " +
			"such as authorization_code")
	}
	if err := setRefreshTokenProperties(in, out); err != nil {
		return err
	}
	if err := positive("authorization_code_lifetime", in.AuthorizationCodeLifetime); err != nil {
		return err
	}
	out.AuthorizationCodeLifetime = in.AuthorizationCodeLifetime
	out.TokenEndpointAuthMethod = method
	out.GrantTypes, out.ResponseTypes = grants, responses
	out.RequirePushedAuthorizationRequests = in.RequirePushedAuthorizationRequests
	out.AuthorizationDetailsTypes = r.narrowOptional("authorization_details_types_supported",
		in.AuthorizationDetailsTypes)
	return nil
}

func issuesRefreshTokens(grant string) bool {
	return grant != grantRefreshToken && grant != grantClientCredentials && grant != grantImplicit
}

// usesAuthorizationEndpoint reports whether a client with these grant types sends users to the authorization endpoint.
func usesAuthorizationEndpoint(grants []string) bool {
	return slices.Contains(grants, grantAuthorizationCode) || slices.Contains(grants, grantImplicit)
}

// fit returns the grant types and response types to register for what a client sent; nil means not sent. The server
// offers them, and they match each other as RFC 7591 §2.1 requires.
func (r *Registration) fit(in *Metadata) (grants, responses []string, err error) {
	o := &r.engine.options
	if in.GrantTypes != nil && len(in.GrantTypes) == 0 {
		return nil, nil, Refuse("grant_types is empty: name one of %s, or leave it out for authorization_code",
			strings.Join(o.AllowedGrantTypes, ", "))
	}
	sent := withoutRepeats(r.spelled(in.ResponseTypes))
	responses, err = r.narrowed("response_types", sent, o.AllowedResponseTypes, o.allowsResponse, r.offersResponse)
	if err != nil {
		return nil, nil, err
	}
	wanted := in.GrantTypes
	if wanted == nil {
		if wanted, err = r.defaultGrants(in, responses); err != nil {
			return nil, nil, err
		}
	}
	if grants, err = r.narrowed("grant_types", wanted, o.AllowedGrantTypes,
		func(g string) bool { return slices.Contains(o.AllowedGrantTypes, g) }, r.offersGrant); err != nil {
		return nil, nil, err
	}
	if len(grants) == 0 {
		return nil, nil, r.nothingLeft(in)
	}
	if len(responses) == 0 && len(sent) > 0 &&
		(usesAuthorizationEndpoint(grants) || !usesAuthorizationEndpoint(wanted)) {
		return nil, nil, notAllowed("response_types", sent, r.offeredResponses())
	}
	wantedResponses := sent
	if wantedResponses == nil {
		responses = r.defaultResponses(grants)
		wantedResponses = responses
		if responses == nil && slices.Contains(wanted, grantAuthorizationCode) {
			wantedResponses = []string{responseCode} // RFC 7591 §2; it is not offered
		}
	}
	if len(grants) < len(wanted) || len(responses) < len(wantedResponses) {
		grants, responses = dropPartners(grants, responses, wanted, wantedResponses)
		if len(grants) == 0 {
			return nil, nil, r.nothingLeft(in)
		}
	}
	if grants, responses, err = r.settle(in, grants, responses); err != nil {
		return nil, nil, err
	}
	if responses == nil && !usesAuthorizationEndpoint(grants) {
		responses = []string{} // RFC 7591 §2: a list that is left out means code
	}
	return grants, responses, nil
}

// settle corrects or refuses grant types and response types that contradict each other, as
// Options.GrantResponseMismatch says. in is what the client sent.
func (r *Registration) settle(in *Metadata, grants, responses []string) ([]string, []string, error) {
	o := &r.engine.options
	problem := mismatch(grants, responses)
	if problem == "" {
		return grants, responses, nil
	}
	if in.GrantTypes == nil {
		problem = "grant_types, left out, means " + strings.Join(grants, ", ") + ": " + problem
	}
	bothSent := in.GrantTypes != nil && in.ResponseTypes != nil
	if o.GrantResponseMismatch == MismatchRefuse || o.GrantResponseMismatch == MismatchAuto && bothSent {
		return nil, nil, Refuse("%s", problem)
	}
	grants, responses = correct(grants, responses)
	if len(grants) == 0 || mismatch(grants, responses) != "" {
		return nil, nil, Refuse("%s", problem)
	}
	if i := slices.IndexFunc(responses, func(s string) bool { return !r.offersResponse(s) }); i >= 0 {
		return nil, nil, notAllowed("response_types", responses[i:i+1], r.offeredResponses())
	}
	return grants, responses, nil
}

// nothingLeft refuses a client that is left without a grant type, in words about the member that it sent.
func (r *Registration) nothingLeft(in *Metadata) error {
	offered := r.offeredGrants()
	only := cmp.Or(strings.Join(offered, ", "), "none")
	switch {
	case in.GrantTypes == nil && in.ResponseTypes == nil && r.offersGrant(grantAuthorizationCode):
		return Refuse("response_types is missing, and no response type that is allowed here fits "+
			"authorization_code, the "+
			"default of grant_types: the response types are %s",
			cmp.Or(strings.Join(r.offeredResponses(), ", "), "none"))
	case in.GrantTypes == nil && in.ResponseTypes == nil:
		return Refuse("grant_types is missing, and its default, authorization_code, is not offered here: "+
			"the grant types are %s", only)
	case in.GrantTypes == nil:
		return Refuse("response_types: no grant type for %s is allowed here, only %s", quoted(in.ResponseTypes), only)
	case slices.ContainsFunc(in.GrantTypes, r.offersGrant):
		return Refuse("grant_types: none of its values can be used with the response types that are allowed here, "+
			"which "+
			"are %s", cmp.Or(strings.Join(r.offeredResponses(), ", "), "none"))
	}
	return notAllowed("grant_types", in.GrantTypes, offered)
}

func quoted(list []string) string { return "'" + strings.Join(list, "', '") + "'" }

// defaultGrants returns the grant types of a client that sent none, derived from its response types. They are offered,
// unless a response type needs them.
func (r *Registration) defaultGrants(in *Metadata, responses []string) ([]string, error) {
	o := &r.engine.options
	if o.GrantResponseMismatch != MismatchRefuse {
		var grants []string
		if slices.ContainsFunc(responses, needsCode) {
			grants = append(grants, grantAuthorizationCode)
		}
		if slices.ContainsFunc(responses, needsImplicit) {
			grants = append(grants, grantImplicit)
		}
		if grants != nil {
			if i := slices.IndexFunc(grants, func(g string) bool { return !r.offersGrant(g) }); i >= 0 && !o.narrows() {
				return nil, Refuse("response_types: one of %s needs the grant type %s, which is not allowed here, "+
					"only %s",
					quoted(responses), grants[i], strings.Join(r.offeredGrants(), ", "))
			}
			return grants, nil
		}
	}
	if r.offersGrant(grantAuthorizationCode) {
		return []string{grantAuthorizationCode}, nil // RFC 7591 §2
	}
	if len(in.ResponseTypes) == 0 {
		for _, grant := range o.AllowedGrantTypes {
			if r.offersGrant(grant) && canUse(in, grant) {
				return []string{grant}, nil
			}
		}
	}
	return nil, r.nothingLeft(in)
}

// canUse reports whether a client that named no grant type can use this one instead of the default: it needs no
// authorization endpoint, and the client has no redirect URIs, which ask for one.
func canUse(in *Metadata, grant string) bool {
	switch grant {
	case grantAuthorizationCode, grantImplicit, grantRefreshToken:
		return false
	case grantClientCredentials:
		if in.TokenEndpointAuthMethod == authMethodNone || in.secretless() {
			return false
		}
	}
	return len(in.RedirectURIs) == 0
}

// defaultResponses returns the response types of a client that sent none: code, or if that is not offered, the first
// one with code that is; nil if there is none or the client has no use for it.
func (r *Registration) defaultResponses(grants []string) []string {
	switch {
	case !slices.Contains(grants, grantAuthorizationCode):
		return nil
	case r.offersResponse(responseCode):
		return []string{responseCode} // RFC 7591 §2
	}
	for _, s := range r.engine.options.AllowedResponseTypes {
		if needsCode(s) && serves(grants, s) && r.offersResponse(s) {
			return []string{s}
		}
	}
	return nil
}

// needsCode reports whether a response type needs the grant authorization_code (RFC 7591 §2.1).
func needsCode(response string) bool { return hasWord(response, responseCode) }

// needsImplicit reports whether a response type needs the grant implicit.
func needsImplicit(response string) bool {
	return hasWord(response, responseToken) || hasWord(response, responseIDToken)
}

// mismatch returns how grant types and response types contradict each other (RFC 7591 §2.1), or "" if they do not.
func mismatch(grants, responses []string) string {
	code, implicit := slices.Contains(grants, grantAuthorizationCode), slices.Contains(grants, grantImplicit)
	for _, r := range responses {
		switch {
		case needsCode(r) && !code:
			return "response_types holds '" + r + "', so grant_types must hold authorization_code"
		case needsImplicit(r) && !implicit:
			return "response_types holds '" + r + "', so grant_types must hold implicit"
		}
	}
	switch {
	case code && !slices.ContainsFunc(responses, needsCode):
		return "grant_types holds authorization_code, so response_types must hold code"
	case implicit && !slices.ContainsFunc(responses, needsImplicit):
		return "grant_types holds implicit, so response_types must name what it returns, such as id_token"
	}
	return ""
}

// correct makes the response types match the grant types: it drops response types without a grant type, and adds code
// for authorization_code. It drops the implicit grant if no response type needs it.
func correct(grants, responses []string) ([]string, []string) {
	kept := []string{}
	for _, r := range responses {
		if serves(grants, r) {
			kept = append(kept, r)
		}
	}
	if slices.Contains(grants, grantAuthorizationCode) && !slices.ContainsFunc(kept, needsCode) {
		kept = append(kept, responseCode)
	}
	if !slices.ContainsFunc(kept, needsImplicit) {
		grants = slices.DeleteFunc(slices.Clone(grants), func(g string) bool { return g == grantImplicit })
	}
	return grants, kept
}

// serves reports whether the grant types include those that a response type needs.
func serves(grants []string, response string) bool {
	return (!needsCode(response) || slices.Contains(grants, grantAuthorizationCode)) &&
		(!needsImplicit(response) || slices.Contains(grants, grantImplicit))
}

// setRefreshTokenProperties copies IdentityServer's members for refresh tokens.
func setRefreshTokenProperties(in, out *Metadata) error {
	if err := choice("refresh_token_expiration", in.RefreshTokenExpiration, "Absolute", "Sliding"); err != nil {
		return err
	}
	if err := choice("refresh_token_usage", in.RefreshTokenUsage, "OneTimeOnly", "ReUse"); err != nil {
		return err
	}
	if err := positive("sliding_refresh_token_lifetime", in.SlidingRefreshTokenLifetime); err != nil {
		return err
	}
	if in.AbsoluteRefreshTokenLifetime != nil && *in.AbsoluteRefreshTokenLifetime < 0 {
		return Refuse("absolute_refresh_token_lifetime must not be negative")
	}
	out.RefreshTokenExpiration = in.RefreshTokenExpiration
	out.RefreshTokenUsage = in.RefreshTokenUsage
	out.SlidingRefreshTokenLifetime = in.SlidingRefreshTokenLifetime
	out.AbsoluteRefreshTokenLifetime = in.AbsoluteRefreshTokenLifetime
	return nil
}

// positive refuses a lifetime that is not above 0; nil means that the member is missing.
func positive(member string, seconds *int64) error {
	if seconds != nil && *seconds <= 0 {
		return Refuse("%s must be above 0 seconds", member)
	}
	return nil
}

// choice refuses a value that is not in allowed; "" means that the member is missing.
func choice(member, value string, allowed ...string) error {
	if value != "" && !slices.Contains(allowed, value) {
		return Refuse("%s must be one of %s, not '%s'", member, strings.Join(allowed, ", "), value)
	}
	return nil
}
