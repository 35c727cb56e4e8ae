package engine

import (
	"cmp"
	"slices"
	"strings"
)

// An Unsupported says what to do with values of a list that this server does not offer.
type Unsupported string

// The ways to deal with values that are not offered.
const (
	// UnsupportedNarrow drops them, as RFC 7591 §3.2.1 allows; the response shows which values are left.
	UnsupportedNarrow Unsupported = "narrow"
	UnsupportedRefuse Unsupported = "refuse"
)

// narrows reports whether lists lose the values that are not offered.
func (o *Options) narrows() bool { return o.UnsupportedValues == UnsupportedNarrow }

// offers reports whether a list of the discovery document holds a value. A list that is missing limits nothing.
func (a Advertised) offers(list, value string) bool {
	values, bounded := a[list]
	switch {
	case !bounded:
		return true
	case list == responseTypesSupported:
		return slices.ContainsFunc(values, func(s string) bool { return sameWords(s, value) })
	}
	return slices.Contains(values, value)
}

// kept returns the values for which keep reports true: values itself if these are all.
func kept(values []string, keep func(string) bool) []string {
	dropped := slices.IndexFunc(values, func(v string) bool { return !keep(v) })
	if dropped < 0 {
		return values
	}
	left := slices.Clone(values[:dropped])
	for _, v := range values[dropped:] {
		if keep(v) {
			left = append(left, v)
		}
	}
	return left
}

// narrowOptional returns the values of an optional list that the discovery document offers; nil if none is left, which
// leaves the member out. An empty list that was sent stays.
func (r *Registration) narrowOptional(list string, values []string) []string {
	if len(r.advertised) == 0 || !r.engine.options.narrows() {
		return values
	}
	left := kept(values, func(v string) bool { return r.advertised.offers(list, v) })
	if len(left) == 0 && len(values) > 0 {
		return nil
	}
	return left
}

func (r *Registration) offersGrant(grant string) bool {
	return slices.Contains(r.engine.options.AllowedGrantTypes, grant) &&
		r.advertised.offers("grant_types_supported", grant)
}

func (r *Registration) offersResponse(response string) bool {
	return r.engine.options.allowsResponse(response) && r.advertised.offers(responseTypesSupported, response)
}

func (o *Options) allowsResponse(response string) bool {
	return slices.ContainsFunc(o.AllowedResponseTypes, func(s string) bool { return sameWords(s, response) })
}

// narrowed returns the values of grant_types or response_types that are offered. With UnsupportedRefuse it returns all,
// or refuses one that the operator does not allow; checkAdvertised refuses the others.
func (r *Registration) narrowed(
	member string, values, allowed []string, allows, offers func(string) bool,
) ([]string, error) {
	if r.engine.options.narrows() {
		return kept(values, offers), nil
	}
	if i := slices.IndexFunc(values, func(v string) bool { return !allows(v) }); i >= 0 {
		return nil, notAllowed(member, values[i:i+1], allowed)
	}
	return values, nil
}

// notAllowed refuses a list of which no value is offered.
func notAllowed(member string, values, offered []string) error {
	only := cmp.Or(strings.Join(offered, ", "), "an empty list")
	if len(values) == 1 {
		return Refuse("%s: '%s' is not allowed here, only %s", member, values[0], only)
	}
	return Refuse("%s: none of its values is allowed here, only %s", member, only)
}

func (r *Registration) offeredGrants() []string {
	return kept(r.engine.options.AllowedGrantTypes, r.offersGrant)
}

func (r *Registration) offeredResponses() []string {
	return kept(r.engine.options.AllowedResponseTypes, r.offersResponse)
}

// dropPartners drops the grant types and response types whose partner was dropped: what matched in the wanted lists and
// no longer matches in the others. What did not match there either is left to Options.GrantResponseMismatch.
func dropPartners(grants, responses, wantedGrants, wantedResponses []string) ([]string, []string) {
	for {
		before := len(grants) + len(responses)
		responses = kept(responses, func(s string) bool { return serves(grants, s) || !serves(wantedGrants, s) })
		among := grants
		grants = kept(grants, func(grant string) bool {
			switch grant {
			case grantAuthorizationCode:
				return slices.ContainsFunc(responses, needsCode) || !slices.ContainsFunc(wantedResponses, needsCode)
			case grantImplicit:
				return slices.ContainsFunc(responses, needsImplicit) ||
					!slices.ContainsFunc(wantedResponses, needsImplicit)
			case grantRefreshToken:
				return slices.ContainsFunc(among, issuesRefreshTokens) ||
					!slices.ContainsFunc(wantedGrants, issuesRefreshTokens)
			}
			return true
		})
		if len(grants)+len(responses) == before {
			return grants, responses
		}
	}
}
