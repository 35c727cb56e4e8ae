package engine

import (
	"context"
	"slices"
)

// setAccessTokenProperties copies the members for access tokens and introspection responses.
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
	enc, err := encryption("introspection_encrypted_response",
		in.IntrospectionEncryptedResponseAlg, in.IntrospectionEncryptedResponseEnc)
	if err != nil {
		return err
	}
	out.AccessTokenType = in.AccessTokenType
	out.AccessTokenLifetime = in.AccessTokenLifetime
	out.UpdateAccessTokenClaimsOnRefresh = in.UpdateAccessTokenClaimsOnRefresh
	out.IntrospectionSignedResponseAlg = in.IntrospectionSignedResponseAlg
	out.IntrospectionEncryptedResponseAlg = in.IntrospectionEncryptedResponseAlg
	out.IntrospectionEncryptedResponseEnc = enc
	out.TLSClientCertificateBoundAccessTokens = in.TLSClientCertificateBoundAccessTokens
	return nil
}

// setIDTokenProperties copies the members for ID tokens, UserInfo responses and authorization responses.
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
	// OpenID Connect Dynamic Client Registration 1.0 §2: none only if no ID token passes through the browser.
	browser := slices.ContainsFunc(out.ResponseTypes, func(t string) bool { return hasWord(t, responseIDToken) })
	unsigned := o.AllowUnsignedIDToken && !browser
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
	out.IDTokenEncryptedResponseEnc, err = encryption("id_token_encrypted_response",
		in.IDTokenEncryptedResponseAlg, in.IDTokenEncryptedResponseEnc)
	if err != nil {
		return err
	}
	out.UserInfoEncryptedResponseEnc, err = encryption("userinfo_encrypted_response",
		in.UserInfoEncryptedResponseAlg, in.UserInfoEncryptedResponseEnc)
	if err != nil {
		return err
	}
	out.AuthorizationEncryptedResponseEnc, err = encryption("authorization_encrypted_response",
		in.AuthorizationEncryptedResponseAlg, in.AuthorizationEncryptedResponseEnc)
	if err != nil {
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
