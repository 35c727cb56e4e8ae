package engine

import (
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const algNone = "none"

// keyManagement are the JWE algorithms that need no secret shared with the client (RFC 7518 §4.1). The others would
// take their key from a client secret, of which the server keeps a hash only.
var keyManagement = [...]string{
	"RSA1_5", "RSA-OAEP", "RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512",
	"ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW",
}

// contentEncryption are the JWE encryption methods of RFC 7518 §5.1.
var contentEncryption = [...]string{"A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512", "A128GCM", "A192GCM", "A256GCM"}

// defaultEnc is used where an algorithm is named without a method (OpenID Connect Dynamic Client Registration 1.0 §2).
const defaultEnc = "A128CBC-HS256"

// signing checks the JWS algorithm in a member; "" is a member left out.
func (o *Options) signing(member, alg string, unsigned bool) error {
	switch {
	case alg == "" || slices.Contains(o.SigningAlgs, alg):
		return nil
	case alg == algNone && unsigned:
		return nil
	case alg == algNone:
		return Refuse("%s must not be none here", member)
	case strings.HasPrefix(alg, "HS"):
		return Refuse("%s %s needs a secret that the server can read, and it keeps hashes only: use one of %s", member, alg, strings.Join(o.SigningAlgs, ", "))
	}
	return Refuse("%s '%s' is not supported: use one of %s", member, alg, strings.Join(o.SigningAlgs, ", "))
}

// encryption checks a pair of members, prefix_alg and prefix_enc, and returns the encryption method that holds.
func encryption(prefix, alg, enc string) (string, error) {
	switch {
	case alg == "" && enc == "":
		return "", nil
	case alg == "":
		return "", Refuse("%s_enc needs %s_alg beside it", prefix, prefix)
	case !slices.Contains(keyManagement[:], alg):
		return "", Refuse("%s_alg '%s' is not supported: use one of %s", prefix, alg, strings.Join(keyManagement[:], ", "))
	case enc == "":
		return defaultEnc, nil
	case !slices.Contains(contentEncryption[:], enc):
		return "", Refuse("%s_enc '%s' is not supported: use one of %s", prefix, enc, strings.Join(contentEncryption[:], ", "))
	}
	return enc, nil
}

// TrustedAlgorithms returns the JWS algorithms of software statements and access tokens that are trusted: those of
// public keys, so that a server that checks a token cannot make one. none is not among them, nor is any algorithm whose
// key the issuer would have to share (RFC 8725 §3.1).
func TrustedAlgorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
		jose.ES256, jose.ES384, jose.ES512, jose.EdDSA}
}
