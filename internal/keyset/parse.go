package keyset

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
)

// minRSA is the minimum length of RSA keys, in bits (RFC 7518 §3.3).
const minRSA = 2048

// parse returns the keys of a JWK set that can verify signatures. It ignores others (RFC 7517 §5).
func parse(b []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, fmt.Errorf("not a JWK set: %w", err)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		if key, ok := verifier(raw); ok {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no public key that verifies signatures")
	}
	return keys, nil
}

// verifier returns a key if it can verify signatures.
func verifier(raw jsontext.Value) (jose.JSONWebKey, bool) {
	var key jose.JSONWebKey
	var uses struct {
		Operations []string `json:"key_ops"`
	}
	if json.Unmarshal(raw, &uses) != nil || key.UnmarshalJSON(raw) != nil || !key.Valid() || !key.IsPublic() {
		return key, false
	}
	// RFC 7517 §4.2, §4.3: use and key_ops limit what a key is for.
	if key.Use != "" && key.Use != "sig" || uses.Operations != nil && !slices.Contains(uses.Operations, "verify") {
		return key, false
	}
	if k, ok := key.Key.(*rsa.PublicKey); ok && k.N.BitLen() < minRSA {
		return key, false
	}
	return key, true
}

// fitting returns the keys with the ID kid ("" means any) that can verify signatures by alg.
func fitting(keys []jose.JSONWebKey, kid string, alg jose.SignatureAlgorithm) []jose.JSONWebKey {
	var found []jose.JSONWebKey
	for _, key := range keys {
		if (kid == "" || key.KeyID == kid) && (key.Algorithm == "" || key.Algorithm == string(alg)) &&
			makes(key.Key, alg) {
			found = append(found, key)
		}
	}
	return found
}

// makes reports whether alg is for this type of key (RFC 7518 §3.1, RFC 8037 §3.1). It returns false for algorithms
// that are not in [engine.TrustedAlgorithms].
func makes(key any, alg jose.SignatureAlgorithm) bool {
	if !slices.Contains(engine.TrustedAlgorithms(), alg) {
		return false
	}
	switch k := key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(string(alg), "RS") || strings.HasPrefix(string(alg), "PS")
	case *ecdsa.PublicKey:
		curves := map[jose.SignatureAlgorithm]string{jose.ES256: "P-256", jose.ES384: "P-384", jose.ES512: "P-521"}
		return curves[alg] == k.Curve.Params().Name
	case ed25519.PublicKey:
		return alg == jose.EdDSA
	}
	return false
}
