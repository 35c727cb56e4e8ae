package engine

import (
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
	o, in, out := &r.engine.options, &r.Request.Metadata, &r.Client.Metadata
	method, err := authMethod(in)
	if err != nil {
		return err
	}
	grants, responses, err := o.fit(in.GrantTypes, in.ResponseTypes)
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
	out.AuthorizationDetailsTypes = in.AuthorizationDetailsTypes
	return nil
}

func issuesRefreshTokens(grant string) bool {
	return grant != grantRefreshToken && grant != grantClientCredentials && grant != grantImplicit
}

// fit returns the grant types and response types to register for a client that sent grants and responses; nil means not
// sent. The results match each other as RFC 7591 §2.1 requires.
func (o *Options) fit(grants, responses []string) ([]string, []string, error) {
	if grants != nil && len(grants) == 0 {
		return nil, nil, Refuse("grant_types is empty: name one of %s, or leave it out for authorization_code",
			strings.Join(o.AllowedGrantTypes, ", "))
	}
	bothSent := grants != nil && responses != nil
	if grants == nil {
		grants = o.defaultGrants(responses)
	}
	if responses == nil && slices.Contains(grants, grantAuthorizationCode) {
		responses = []string{responseCode}
	}
	if err := o.allowed(grants, responses); err != nil {
		return nil, nil, err
	}
	problem := mismatch(grants, responses)
	switch {
	case problem == "":
	case o.GrantResponseMismatch == MismatchRefuse, o.GrantResponseMismatch == MismatchAuto && bothSent:
		return nil, nil, Refuse("%s", problem)
	default:
		grants, responses = correct(grants, responses)
		if len(grants) == 0 || mismatch(grants, responses) != "" {
			return nil, nil, Refuse("%s", problem)
		}
		if err := o.allowed(grants, responses); err != nil {
			return nil, nil, err
		}
	}
	return grants, responses, nil
}

// defaultGrants returns the grant types of a client that sent none, derived from its response types.
func (o *Options) defaultGrants(responses []string) []string {
	if o.GrantResponseMismatch != MismatchRefuse {
		var grants []string
		if slices.ContainsFunc(responses, needsCode) {
			grants = append(grants, grantAuthorizationCode)
		}
		if slices.ContainsFunc(responses, needsImplicit) {
			grants = append(grants, grantImplicit)
		}
		if grants != nil {
			return grants
		}
	}
	return []string{grantAuthorizationCode} // RFC 7591 §2
}

func (o *Options) allowed(grants, responses []string) error {
	for _, g := range grants {
		if !slices.Contains(o.AllowedGrantTypes, g) {
			return Refuse("grant_types: '%s' is not allowed here, only %s",
				g, strings.Join(o.AllowedGrantTypes, ", "))
		}
	}
	for _, r := range responses {
		same := func(allowed string) bool { return sameWords(allowed, r) }
		if !slices.ContainsFunc(o.AllowedResponseTypes, same) {
			return Refuse("response_types: '%s' is not allowed here, only %s",
				r, strings.Join(o.AllowedResponseTypes, ", "))
		}
	}
	return nil
}

func sameWords(a, b string) bool {
	if a == b {
		return true
	}
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// needsCode reports whether a response type needs the grant authorization_code (RFC 7591 §2.1).
func needsCode(response string) bool { return hasWord(response, responseCode) }

// needsImplicit reports whether a response type needs the grant implicit.
func needsImplicit(response string) bool {
	return hasWord(response, responseToken) || hasWord(response, responseIDToken)
}

func hasWord(s, word string) bool {
	for w := range strings.FieldsSeq(s) {
		if w == word {
			return true
		}
	}
	return false
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
