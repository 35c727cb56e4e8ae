package engine

import (
	"context"
	"net/url"
	"slices"
)

// setMaxAge copies how fresh and how strong a login must be.
func setMaxAge(_ context.Context, r *Registration) error {
	in, out := &r.Request.Metadata, &r.Client.Metadata
	if age := in.DefaultMaxAge; age != nil {
		switch {
		case *age < 0:
			return Refuse("default_max_age must not be negative")
		case !slices.Contains(out.GrantTypes, grantAuthorizationCode):
			// OpenID Connect is silent; IdentityServer's rule.
			return Refuse("default_max_age needs the grant type authorization_code")
		}
	}
	out.DefaultMaxAge = in.DefaultMaxAge
	out.RequireAuthTime = in.RequireAuthTime
	out.DefaultACRValues = in.DefaultACRValues
	return nil
}

// setPublicClientProperties copies IdentityServer's members for clients that run in a browser.
func setPublicClientProperties(_ context.Context, r *Registration) error {
	in, out := &r.Request.Metadata, &r.Client.Metadata
	if need := in.RequireClientSecret; need != nil {
		method := out.TokenEndpointAuthMethod
		switch {
		case !*need && usesSharedSecret(method):
			return Refuse("require_client_secret is false, but token_endpoint_auth_method %s uses one", method)
		case *need && method == authMethodNone:
			return Refuse("require_client_secret is true, but token_endpoint_auth_method is none")
		}
	}
	for i, s := range in.AllowedCORSOrigins {
		if u, err := url.Parse(s); err != nil || !isHTTP(u) || u.Host == "" || s != u.Scheme+"://"+u.Host {
			return Refuse("allowed_cors_origins[%d] must be an origin: scheme, host and port alone, such as https://app.example", i)
		}
	}
	out.RequireClientSecret = in.RequireClientSecret
	out.AllowedCORSOrigins = in.AllowedCORSOrigins
	return nil
}

// setAccessTokenProperties copies the form of access tokens and of what introspection answers about them.
func setAccessTokenProperties(_ context.Context, r *Registration) error {
	o, in, out := &r.engine.options, &r.Request.Metadata, &r.Client.Metadata
	if err := choice("access_token_type", in.AccessTokenType, "Jwt", "Reference"); err != nil {
		return err
	}
	if err := positive("access_token_lifetime", in.AccessTokenLifetime); err != nil {
		return err
	}
	if err := o.signing("introspection_signed_response_alg", in.IntrospectionSignedResponseAlg, false); err != nil {
		return err
	}
	enc, err := encryption("introspection_encrypted_response", in.IntrospectionEncryptedResponseAlg, in.IntrospectionEncryptedResponseEnc)
	if err != nil {
		return err
	}
	out.AccessTokenType = in.AccessTokenType
	out.AccessTokenLifetime = in.AccessTokenLifetime
	out.UpdateAccessTokenClaimsOnRefresh = in.UpdateAccessTokenClaimsOnRefresh
	out.IntrospectionSignedResponseAlg = in.IntrospectionSignedResponseAlg
	out.IntrospectionEncryptedResponseAlg, out.IntrospectionEncryptedResponseEnc = in.IntrospectionEncryptedResponseAlg, enc
	out.TLSClientCertificateBoundAccessTokens = in.TLSClientCertificateBoundAccessTokens
	return nil
}

// setIDTokenProperties copies the form of ID tokens, UserInfo and authorization responses.
func setIDTokenProperties(_ context.Context, r *Registration) error {
	o, in, out := &r.engine.options, &r.Request.Metadata, &r.Client.Metadata
	if err := positive("identity_token_lifetime", in.IdentityTokenLifetime); err != nil {
		return err
	}
	for _, alg := range in.AllowedIdentityTokenSigningAlgorithms {
		if err := o.signing("allowed_identity_token_signing_algorithms", alg, false); err != nil {
			return err
		}
	}
	// OpenID Connect Dynamic Client Registration 1.0 §2: none only where no ID token comes through the browser.
	unsigned := o.AllowUnsignedIDToken && !slices.ContainsFunc(out.ResponseTypes, func(t string) bool { return hasWord(t, responseIDToken) })
	if err := o.signing("id_token_signed_response_alg", in.IDTokenSignedResponseAlg, unsigned); err != nil {
		return err
	}
	if err := o.signing("userinfo_signed_response_alg", in.UserInfoSignedResponseAlg, true); err != nil {
		return err
	}
	// JARM §3: none is not allowed.
	if err := o.signing("authorization_signed_response_alg", in.AuthorizationSignedResponseAlg, false); err != nil {
		return err
	}
	var err error
	if out.IDTokenEncryptedResponseEnc, err = encryption("id_token_encrypted_response", in.IDTokenEncryptedResponseAlg, in.IDTokenEncryptedResponseEnc); err != nil {
		return err
	}
	if out.UserInfoEncryptedResponseEnc, err = encryption("userinfo_encrypted_response", in.UserInfoEncryptedResponseAlg, in.UserInfoEncryptedResponseEnc); err != nil {
		return err
	}
	if out.AuthorizationEncryptedResponseEnc, err = encryption("authorization_encrypted_response", in.AuthorizationEncryptedResponseAlg, in.AuthorizationEncryptedResponseEnc); err != nil {
		return err
	}
	out.IdentityTokenLifetime = in.IdentityTokenLifetime
	out.AllowedIdentityTokenSigningAlgorithms = in.AllowedIdentityTokenSigningAlgorithms
	out.IDTokenSignedResponseAlg = in.IDTokenSignedResponseAlg
	out.IDTokenEncryptedResponseAlg = in.IDTokenEncryptedResponseAlg
	out.UserInfoSignedResponseAlg = in.UserInfoSignedResponseAlg
	out.UserInfoEncryptedResponseAlg = in.UserInfoEncryptedResponseAlg
	out.AuthorizationSignedResponseAlg = in.AuthorizationSignedResponseAlg
	out.AuthorizationEncryptedResponseAlg = in.AuthorizationEncryptedResponseAlg
	return nil
}

// setServerSideSessionProperties copies IdentityServer's member for sessions kept at the server.
func setServerSideSessionProperties(_ context.Context, r *Registration) error {
	r.Client.Metadata.CoordinateLifetimeWithUserSession = r.Request.Metadata.CoordinateLifetimeWithUserSession
	return nil
}
