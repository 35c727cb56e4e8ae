package engine

import (
	"context"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// setSecrets decides which keys the client proves itself with, and how it signs what it sends.
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
	// RFC 9101 §10.5: an unsigned request object is no answer to a demand for a signed one.
	if err := o.signing("request_object_signing_alg", in.RequestObjectSigningAlg, !signed); err != nil {
		return err
	}
	enc, err := encryption("request_object_encryption", in.RequestObjectEncryptionAlg, in.RequestObjectEncryptionEnc)
	if err != nil {
		return err
	}
	if err := r.checkKeysThere(ctx, in); err != nil {
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

// checkKeys checks the client's public keys and that they are there where something needs them.
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

// checkKeySources checks what no client may have: two sources of keys, or a key that must be kept secret.
func checkKeySources(m *Metadata) error {
	switch {
	case m.JWKS == nil:
		return nil
	case m.JWKSURI != "":
		return Refuse("jwks and jwks_uri exclude each other (RFC 7591 section 2): send one of them")
	case m.JWKS.Kind() != '{':
		return Refuse("jwks must be an object with the member keys")
	}
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(m.JWKS, &set); err != nil {
		return Refuse("jwks.keys must be a list of keys")
	}
	if len(set.Keys) == 0 {
		return Refuse("jwks.keys must hold at least one key")
	}
	for i, key := range set.Keys {
		if err := checkKey(i, key); err != nil {
			return err
		}
	}
	return nil
}

// privateMembers hold what only the owner of a key may know (RFC 7518 §6).
var privateMembers = [...]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

func checkKey(i int, key jsontext.Value) error {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(key, &members); err != nil || members == nil {
		return Refuse("jwks.keys[%d] must be an object", i)
	}
	kty := members["kty"]
	if kty.Kind() != '"' {
		return Refuse("jwks.keys[%d].kty must be a string", i)
	}
	if string(kty) == `"oct"` {
		return Refuse("jwks.keys[%d] is a symmetric key: only public keys may be registered", i)
	}
	for _, name := range privateMembers {
		if _, private := members[name]; private {
			return Refuse("jwks.keys[%d] holds the private member '%s': send the public key alone", i, name)
		}
	}
	if !understood(string(kty), string(members["crv"])) {
		return nil // RFC 7517 §5: keys that are not understood are ignored
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(key); err != nil || !jwk.Valid() || !jwk.IsPublic() {
		return Refuse("jwks.keys[%d] is no valid public key of RFC 7518", i)
	}
	return nil
}

// understood reports whether the JOSE library knows keys of that type and curve, both as raw JSON.
func understood(kty, crv string) bool {
	switch kty {
	case `"RSA"`:
		return true
	case `"EC"`:
		return slices.Contains([]string{`"P-256"`, `"P-384"`, `"P-521"`}, crv)
	case `"OKP"`:
		return crv == `"Ed25519"`
	}
	return false
}

// checkTLSClientAuth checks that the certificate of a client is named in one way (RFC 8705 §2.1.2).
func checkTLSClientAuth(in *Metadata, method string) error {
	named := 0
	for _, v := range [...]string{in.TLSClientAuthSubjectDN, in.TLSClientAuthSANDNS, in.TLSClientAuthSANURI, in.TLSClientAuthSANIP, in.TLSClientAuthSANEmail} {
		if v != "" {
			named++
		}
	}
	if method == authMethodTLS && named != 1 {
		return Refuse("token_endpoint_auth_method tls_client_auth needs exactly one of tls_client_auth_subject_dn, tls_client_auth_san_dns, tls_client_auth_san_uri, tls_client_auth_san_ip, tls_client_auth_san_email, not %d", named)
	}
	return nil
}
