package engine

import (
	"context"
	"strings"
)

// The client authentication methods of RFC 7591 §2, OpenID Connect Core 1.0 §9 and RFC 8705 §2.
const (
	authMethodNone          = "none"
	authMethodSecretBasic   = "client_secret_basic"
	authMethodSecretPost    = "client_secret_post"
	authMethodSecretJWT     = "client_secret_jwt"
	authMethodPrivateKeyJWT = "private_key_jwt"
	authMethodTLS           = "tls_client_auth"
	authMethodSelfSignedTLS = "self_signed_tls_client_auth"
)

// authMethod returns how the client authenticates at the token endpoint.
func authMethod(in *Metadata) (string, error) {
	switch m := in.TokenEndpointAuthMethod; m {
	case "":
		if in.RequireClientSecret != nil && !*in.RequireClientSecret {
			return authMethodNone, nil
		}
		return authMethodSecretBasic, nil // RFC 7591 §2
	case authMethodNone, authMethodSecretBasic, authMethodSecretPost, authMethodPrivateKeyJWT, authMethodTLS,
		authMethodSelfSignedTLS:
		return m, nil
	case authMethodSecretJWT:
		return "", Refuse("token_endpoint_auth_method client_secret_jwt needs a secret that the server can read, " +
			"but it stores only hashes: use private_key_jwt")
	default:
		return "", Refuse("token_endpoint_auth_method '%s' is not known: it must be one of none, client_secret_basic, "+
			"client_secret_post, private_key_jwt, tls_client_auth, self_signed_tls_client_auth", m)
	}
}

// usesSharedSecret reports whether a client with the given authentication method needs a secret.
func usesSharedSecret(method string) bool { return strings.HasPrefix(method, "client_secret_") }

// setSecrets copies the members for the client's keys, its certificate and the signing of its requests.
func setSecrets(ctx context.Context, r *Registration) error {
	o, in, out := &r.engine.options, &r.Request.Metadata, &r.Client.Metadata
	if err := checkKeys(in, out.TokenEndpointAuthMethod); err != nil {
		return err
	}
	if err := checkTLSClientAuth(in, out.TokenEndpointAuthMethod); err != nil {
		return err
	}
	if err := o.signing("token_endpoint_auth_signing_alg", in.TokenEndpointAuthSigningAlg, false); err != nil {
		return err
	}
	signed := in.RequireSignedRequestObject != nil && *in.RequireSignedRequestObject
	// RFC 9101 §10.5: a client that requires signed request objects cannot send unsigned ones.
	if err := o.signing("request_object_signing_alg", in.RequestObjectSigningAlg, !signed); err != nil {
		return err
	}
	enc, err := encryption("request_object_encryption", in.RequestObjectEncryptionAlg, in.RequestObjectEncryptionEnc)
	if err != nil {
		return err
	}
	if err := r.checkKeySet(ctx, in); err != nil {
		return err
	}
	out.JWKS, out.JWKSURI = in.JWKS, in.JWKSURI
	out.TLSClientAuthSubjectDN = in.TLSClientAuthSubjectDN
	out.TLSClientAuthSANDNS = in.TLSClientAuthSANDNS
	out.TLSClientAuthSANURI = in.TLSClientAuthSANURI
	out.TLSClientAuthSANIP = in.TLSClientAuthSANIP
	out.TLSClientAuthSANEmail = in.TLSClientAuthSANEmail
	out.TokenEndpointAuthSigningAlg = in.TokenEndpointAuthSigningAlg
	out.RequestObjectSigningAlg = in.RequestObjectSigningAlg
	out.RequestObjectEncryptionAlg, out.RequestObjectEncryptionEnc = in.RequestObjectEncryptionAlg, enc
	out.RequireSignedRequestObject = in.RequireSignedRequestObject
	out.DPoPBoundAccessTokens = in.DPoPBoundAccessTokens
	return nil
}

// checkKeys checks the client's public keys, and that a client that needs keys has some.
func checkKeys(in *Metadata, method string) error {
	if err := checkKeySources(in); err != nil {
		return err
	}
	if in.JWKSURI != "" {
		if _, err := httpsOnly.check("jwks_uri", in.JWKSURI); err != nil {
			return err
		}
	}
	if in.JWKS != nil || in.JWKSURI != "" {
		return nil
	}
	switch {
	case method == authMethodPrivateKeyJWT || method == authMethodSelfSignedTLS: // RFC 8705 §2.2.2
		return Refuse("token_endpoint_auth_method %s needs jwks or jwks_uri", method)
	case in.RequireSignedRequestObject != nil && *in.RequireSignedRequestObject:
		return Refuse("require_signed_request_object needs jwks or jwks_uri")
	}
	return nil
}

// checkTLSClientAuth checks that exactly one member names the client's certificate (RFC 8705 §2.1.2).
func checkTLSClientAuth(in *Metadata, method string) error {
	named := 0
	for _, v := range [...]string{in.TLSClientAuthSubjectDN, in.TLSClientAuthSANDNS, in.TLSClientAuthSANURI,
		in.TLSClientAuthSANIP, in.TLSClientAuthSANEmail} {
		if v != "" {
			named++
		}
	}
	if method == authMethodTLS && named != 1 {
		return Refuse("token_endpoint_auth_method tls_client_auth needs exactly one of tls_client_auth_subject_dn, "+
			"tls_client_auth_san_dns, tls_client_auth_san_uri, tls_client_auth_san_ip, tls_client_auth_san_email, "+
			"not %d", named)
	}
	return nil
}
