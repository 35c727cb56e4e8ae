package engine

import (
	"slices"
	"strings"
)

// checkKeyUse checks that a client that needs keys has some, and that those in jwks serve their purpose. Keys at
// jwks_uri may change at any time.
func (r *Registration) checkKeyUse(m *Metadata, method string) error {
	signed := m.RequireSignedRequestObject != nil && *m.RequireSignedRequestObject
	byKey := method == authMethodPrivateKeyJWT || method == authMethodSelfSignedTLS
	switch {
	case !byKey && !signed || m.JWKSURI != "":
		return nil
	case m.JWKS == nil && byKey: // RFC 8705 §2.2.2
		return Refuse("token_endpoint_auth_method %s needs jwks or jwks_uri", method)
	case m.JWKS == nil:
		return Refuse("require_signed_request_object needs jwks or jwks_uri")
	}
	keys, err := r.ownKeys(m)
	if err != nil {
		return err
	}
	if byKey && !r.authenticates(keys, method, m.TokenEndpointAuthSigningAlg) {
		if method == authMethodSelfSignedTLS {
			return Refuse("jwks has no key with a certificate, which token_endpoint_auth_method %s needs: "+
				"add x5c to a key (RFC 8705 section 2.2.2)", method)
		}
		return r.noKey("token_endpoint_auth_method "+method, "token_endpoint_auth_signing_alg",
			m.TokenEndpointAuthSigningAlg)
	}
	if signed && !r.verifies(keys, requestObjectAlgs, m.RequestObjectSigningAlg) {
		return r.noKey("require_signed_request_object", "request_object_signing_alg", m.RequestObjectSigningAlg)
	}
	return nil
}

// The lists of the discovery document that bound what a client signs with.
const (
	clientAssertionAlgs = "token_endpoint_auth_signing_alg_values_supported"
	requestObjectAlgs   = "request_object_signing_alg_values_supported"
)

// authenticates reports whether a client with the keys can authenticate by the method, which is one with keys. alg is
// its token_endpoint_auth_signing_alg.
func (r *Registration) authenticates(keys []publicKey, method, alg string) bool {
	if method == authMethodSelfSignedTLS {
		// RFC 8705 §2.2.2: a certificate is represented by the x5c of a key.
		return slices.ContainsFunc(keys, func(k publicKey) bool { return k.kind != nil && k.certified })
	}
	return r.verifies(keys, clientAssertionAlgs, alg)
}

// verifies reports whether one of the keys can verify signatures by alg. If alg is "", any algorithm will do that this
// server and the list of its discovery document have (OpenID Connect Dynamic Client Registration 1.0 §2).
func (r *Registration) verifies(keys []publicKey, list, alg string) bool {
	for i := range keys {
		if alg != "" {
			if keys[i].verifies(alg) {
				return true
			}
			continue
		}
		for _, offered := range r.engine.options.SigningAlgs {
			if keys[i].verifies(offered) && r.advertised.offers(list, offered) {
				return true
			}
		}
	}
	return false
}

// verifies reports whether the key can verify signatures by a JWS algorithm, and is meant to (RFC 7517 §4.2 to 4.4).
func (k *publicKey) verifies(alg string) bool {
	return k.kind != nil && slices.Contains(k.kind.algs, alg) && (k.use == "" || k.use == "sig") &&
		(k.ops == nil || slices.Contains(k.ops, "verify")) && (k.alg == "" || k.alg == alg)
}

// noKey refuses a client without a key for a purpose. member is the member with the algorithm, alg its value.
func (r *Registration) noKey(purpose, member, alg string) *Error {
	if alg == "" {
		return Refuse("jwks has no key that can verify signatures, which %s needs: add a key for one of %s; "+
			"its use, key_ops and alg, if it has them, must allow that", purpose,
			strings.Join(r.engine.options.SigningAlgs, ", "))
	}
	var fitting []string
	for _, t := range keyTypes {
		if slices.Contains(t.algs, alg) {
			fitting = append(fitting, strings.TrimSpace(t.kty+" "+t.crv))
		}
	}
	if fitting == nil {
		return Refuse("jwks has no key that can verify %s %s, which %s needs: this server knows no type of key for it; "+
			"use jwks_uri", member, alg, purpose)
	}
	return Refuse("jwks has no key that can verify %s %s, which %s needs: add one of type %s; "+
		"its use, key_ops and alg, if it has them, must allow that", member, alg, purpose,
		strings.Join(fitting, " or "))
}
