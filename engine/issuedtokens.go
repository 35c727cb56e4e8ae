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
	enc, err := r.encryption("introspection_encrypted_response",
		in.IntrospectionEncryptedResponseAlg, in.IntrospectionEncryptedResponseEnc,
		"introspection_encryption_enc_values_supported")
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
	algs, err := r.idTokenAlgorithms(in.AllowedIdentityTokenSigningAlgorithms)
	if err != nil {
		return err
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
	out.IDTokenEncryptedResponseEnc, err = r.encryption("id_token_encrypted_response",
		in.IDTokenEncryptedResponseAlg, in.IDTokenEncryptedResponseEnc,
		"id_token_encryption_enc_values_supported")
	if err != nil {
		return err
	}
	out.UserInfoEncryptedResponseEnc, err = r.encryption("userinfo_encrypted_response",
		in.UserInfoEncryptedResponseAlg, in.UserInfoEncryptedResponseEnc,
		"userinfo_encryption_enc_values_supported")
	if err != nil {
		return err
	}
	out.AuthorizationEncryptedResponseEnc, err = r.encryption("authorization_encrypted_response",
		in.AuthorizationEncryptedResponseAlg, in.AuthorizationEncryptedResponseEnc,
		"authorization_encryption_enc_values_supported")
	if err != nil {
		return err
	}
	out.IdentityTokenLifetime = in.IdentityTokenLifetime
	out.AllowedIdentityTokenSigningAlgorithms = algs
	out.IDTokenSignedResponseAlg = in.IDTokenSignedResponseAlg
	out.IDTokenEncryptedResponseAlg = in.IDTokenEncryptedResponseAlg
	out.UserInfoSignedResponseAlg = in.UserInfoSignedResponseAlg
	out.UserInfoEncryptedResponseAlg = in.UserInfoEncryptedResponseAlg
	out.AuthorizationSignedResponseAlg = in.AuthorizationSignedResponseAlg
	out.AuthorizationEncryptedResponseAlg = in.AuthorizationEncryptedResponseAlg
	return nil
}

// idTokenAlgorithms returns the algorithms that the server offers for ID tokens. It refuses a list of which none is
// left: left out, the member would allow every algorithm.
func (r *Registration) idTokenAlgorithms(algs []string) ([]string, error) {
	const member, list = "allowed_identity_token_signing_algorithms", "id_token_signing_alg_values_supported"
	o := &r.engine.options
	offered := func(alg string) bool {
		return slices.Contains(o.SigningAlgs, alg) && r.advertised.offers(list, alg)
	}
	if o.narrows() && slices.ContainsFunc(algs, offered) {
		return kept(algs, offered), nil
	}
	for _, alg := range algs {
		if err := o.signing(member, alg, false); err != nil {
			return nil, err
		}
	}
	return algs, nil // checkAdvertised refuses them if the discovery document does not list them
}
