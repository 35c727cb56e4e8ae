package engine

import (
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const algNone = "none"

// keyManagement lists the JWE algorithms that need no secret shared with the client (RFC 7518 §4.1). The others take
// their key from a client secret, of which the server stores only a hash.
var keyManagement = [...]string{
	"RSA1_5", "RSA-OAEP", "RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512",
	"ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW",
}

// contentEncryption lists the JWE encryption methods of RFC 7518 §5.1.
var contentEncryption = [...]string{"A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512", "A128GCM", "A192GCM", "A256GCM"}

// defaultEnc is the encryption method if the client names only an algorithm (OpenID Connect Dynamic Client Registration
// 1.0 §2).
const defaultEnc = "A128CBC-HS256"

// signing checks the JWS algorithm in a member; "" means that the member is missing. unsigned allows none.
func (o *Options) signing(member, alg string, unsigned bool) error {
	switch {
	case alg == "" || slices.Contains(o.SigningAlgs, alg):
		return nil
	case alg == algNone && unsigned:
		return nil
	case alg == algNone:
		return Refuse("%s must not be none", member)
	case strings.HasPrefix(alg, "HS"):
		return Refuse("%s %s needs a secret that the server can read, but it stores only hashes: use one of %s",
			member, alg, strings.Join(o.SigningAlgs, ", "))
	}
	return Refuse("%s '%s' is not supported: use one of %s", member, alg, strings.Join(o.SigningAlgs, ", "))
}

// encryption checks a pair of members, prefix_alg and prefix_enc, and returns the encryption method to register. A
// default that the list of the discovery document does not hold gives way to the first method there.
func (r *Registration) encryption(prefix, alg, enc, list string) (string, error) {
	switch {
	case alg == "" && enc == "":
		return "", nil
	case alg == "":
		return "", Refuse("%s_enc needs %s_alg beside it", prefix, prefix)
	case !slices.Contains(keyManagement[:], alg):
		return "", Refuse("%s_alg '%s' is not supported: use one of %s",
			prefix, alg, strings.Join(keyManagement[:], ", "))
	case enc == "":
		if offered := r.advertised[list]; !r.advertised.offers(list, defaultEnc) {
			known := func(s string) bool { return slices.Contains(contentEncryption[:], s) }
			if i := slices.IndexFunc(offered, known); i >= 0 {
				return offered[i], nil
			}
		}
		return defaultEnc, nil
	case !slices.Contains(contentEncryption[:], enc):
		return "", Refuse("%s_enc '%s' is not supported: use one of %s",
			prefix, enc, strings.Join(contentEncryption[:], ", "))
	}
	return enc, nil
}

// TrustedAlgorithms returns the JWS algorithms that software statements and access tokens may use. All are asymmetric,
// so that a server that verifies a token cannot forge one (RFC 8725 §3.1). none is not among them.
func TrustedAlgorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
		jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}
}
