package engine

import (
	"cmp"
	"context"
	"slices"
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

// authMethods is the list of the discovery document that bounds how clients authenticate.
const authMethods = "token_endpoint_auth_methods_supported"

// checkAuthMethod refuses an authentication method that this server does not have; "" means that the member is missing.
func checkAuthMethod(method string) error {
	switch method {
	case "", authMethodNone, authMethodSecretBasic, authMethodSecretPost, authMethodPrivateKeyJWT, authMethodTLS,
		authMethodSelfSignedTLS:
		return nil
	case authMethodSecretJWT:
		return Refuse("token_endpoint_auth_method client_secret_jwt needs a secret that the server can read, " +
			"but it stores only hashes: use private_key_jwt")
	}
	return Refuse("token_endpoint_auth_method '%s' is not known: it must be one of none, client_secret_basic, "+
		"client_secret_post, private_key_jwt, tls_client_auth, self_signed_tls_client_auth", method)
}

// authMethod returns how the client authenticates at the token endpoint: as it sent, or by the default, or if the
// discovery document does not list that, by the first method there that the client can use.
func (r *Registration) authMethod(in *Metadata, grants []string) (string, error) {
	if r.document != "" {
		if method, err := r.documentMethod(in, grants); method != "" || err != nil {
			return method, err
		}
	}
	if in.TokenEndpointAuthMethod != "" {
		return in.TokenEndpointAuthMethod, nil
	}
	method := authMethodSecretBasic // RFC 7591 §2
	if r.document != "" || in.secretless() {
		method = authMethodNone
	}
	if r.advertised.offers(authMethods, method) {
		return method, nil
	}
	for _, m := range r.advertised[authMethods] {
		if r.canAuthenticate(in, grants, m) {
			return m, nil
		}
	}
	return "", Refuse("token_endpoint_auth_method is missing, and this client cannot use any of the %s of this server, "+
		"which are %s", authMethods, cmp.Or(strings.Join(r.advertised[authMethods], ", "), "none"))
}

// canAuthenticate reports whether the client can use a method that it did not ask for.
func (r *Registration) canAuthenticate(in *Metadata, grants []string, method string) bool {
	switch method {
	case authMethodNone:
		required := in.RequireClientSecret != nil && *in.RequireClientSecret
		return !required && !slices.Contains(grants, grantClientCredentials)
	case authMethodSecretBasic, authMethodSecretPost:
		return r.document == "" && !in.secretless() // metadata documents are public
	case authMethodPrivateKeyJWT, authMethodSelfSignedTLS:
		return r.hasKeysFor(in, method)
	case authMethodTLS:
		return in.certificateNames() == 1
	}
	return false
}

// hasKeysFor reports whether the client has keys for a method. It does not look at keys at jwks_uri, and leaves it to
// set_secrets to refuse keys that are not valid.
func (r *Registration) hasKeysFor(in *Metadata, method string) bool {
	if in.JWKS == nil || in.JWKSURI != "" {
		return in.JWKSURI != ""
	}
	keys, err := r.ownKeys(in)
	return err != nil || r.authenticates(keys, method, in.TokenEndpointAuthSigningAlg)
}

// secretless reports whether the client wants no secret (IdentityServer's require_client_secret).
func (m *Metadata) secretless() bool { return m.RequireClientSecret != nil && !*m.RequireClientSecret }

// usesSharedSecret reports whether a client with the given authentication method needs a secret.
func usesSharedSecret(method string) bool { return strings.HasPrefix(method, "client_secret_") }

// setSecrets copies the members for the client's keys, its certificate and the signing of its requests.
func setSecrets(ctx context.Context, r *Registration) error {
	o, in, out := &r.engine.options, &r.Request.Metadata, &r.Client.Metadata
	if err := r.checkKeys(in); err != nil {
		return err
	}
	if err := checkCertificateNames(in); err != nil {
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
	if err := r.checkKeyUse(in, out.TokenEndpointAuthMethod); err != nil {
		return err
	}
	enc, err := r.encryption("request_object_encryption", in.RequestObjectEncryptionAlg, in.RequestObjectEncryptionEnc,
		"request_object_encryption_enc_values_supported")
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
	if r.document == "" || out.TokenEndpointAuthMethod != authMethodNone {
		out.TokenEndpointAuthSigningAlg = in.TokenEndpointAuthSigningAlg // else the method was another; see documentMethod
	}
	out.RequestObjectSigningAlg = in.RequestObjectSigningAlg
	out.RequestObjectEncryptionAlg, out.RequestObjectEncryptionEnc = in.RequestObjectEncryptionAlg, enc
	out.RequireSignedRequestObject = in.RequireSignedRequestObject
	out.DPoPBoundAccessTokens = in.DPoPBoundAccessTokens
	return nil
}

// checkKeys checks the client's public keys, and the form of jwks_uri.
func (r *Registration) checkKeys(in *Metadata) error {
	if _, err := r.ownKeys(in); err != nil {
		return err
	}
	if in.JWKSURI != "" {
		if _, err := httpsOnly.check("jwks_uri", in.JWKSURI); err != nil {
			return err
		}
	}
	return nil
}

// checkTLSClientAuth checks that exactly one member names the client's certificate (RFC 8705 §2.1.2).
func checkTLSClientAuth(in *Metadata, method string) error {
	named := in.certificateNames()
	if method == authMethodTLS && named != 1 {
		return Refuse("token_endpoint_auth_method tls_client_auth needs exactly one of tls_client_auth_subject_dn, "+
			"tls_client_auth_san_dns, tls_client_auth_san_uri, tls_client_auth_san_ip, tls_client_auth_san_email, "+
			"not %d", named)
	}
	return nil
}

// certificateNames returns how many members name the client's certificate.
func (m *Metadata) certificateNames() int {
	named := 0
	for _, v := range [...]string{m.TLSClientAuthSubjectDN, m.TLSClientAuthSANDNS, m.TLSClientAuthSANURI,
		m.TLSClientAuthSANIP, m.TLSClientAuthSANEmail} {
		if v != "" {
			named++
		}
	}
	return named
}
