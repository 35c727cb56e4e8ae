package engine

import (
	"context"
	"slices"
)

// setMaxAge copies the members for the age and the strength of authentication.
func setMaxAge(_ context.Context, r *Registration) error {
	in, out := &r.Request.Metadata, &r.Client.Metadata
	age := in.DefaultMaxAge
	if age != nil {
		switch {
		case *age < 0:
			return Refuse("default_max_age must not be negative")
		case slices.Contains(in.GrantTypes, grantAuthorizationCode) &&
			!slices.Contains(out.GrantTypes, grantAuthorizationCode):
			age = nil // it goes with the grant type that is not offered
		case !slices.Contains(out.GrantTypes, grantAuthorizationCode):
			// OpenID Connect does not say this; IdentityServer does.
			return Refuse("default_max_age needs the grant type authorization_code")
		}
	}
	out.DefaultMaxAge = age
	out.RequireAuthTime = in.RequireAuthTime
	out.DefaultACRValues = r.narrowOptional("acr_values_supported", in.DefaultACRValues)
	return nil
}

// setServerSideSessionProperties copies IdentityServer's member for server-side sessions.
func setServerSideSessionProperties(_ context.Context, r *Registration) error {
	r.Client.Metadata.CoordinateLifetimeWithUserSession = r.Request.Metadata.CoordinateLifetimeWithUserSession
	return nil
}
