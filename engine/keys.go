package engine

import (
	"bytes"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// checkKeySources checks that m has at most one source of keys, and that its jwks holds only valid public keys.
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

// emptyKeySet reports whether v is a key set without keys, {} or {"keys":[]}, which means the same as no key set.
func emptyKeySet(v jsontext.Value) bool {
	if v.Kind() != '{' || bytes.IndexByte(v[1:], '{') >= 0 {
		return false // without parsing: keys are objects
	}
	var set map[string]jsontext.Value
	if err := json.Unmarshal(v, &set); err != nil {
		return false
	}
	keys, there := set["keys"]
	if !there {
		return len(set) == 0
	}
	var list []jsontext.Value
	return json.Unmarshal(keys, &list) == nil && len(list) == 0
}

// privateMembers lists the members of private and symmetric keys (RFC 7518 §6).
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
		return Refuse("jwks.keys[%d] is a symmetric key: send only public keys", i)
	}
	for _, name := range privateMembers {
		if _, private := members[name]; private {
			return Refuse("jwks.keys[%d] holds the private member '%s': send only the public key", i, name)
		}
	}
	if !understood(string(kty), string(members["crv"])) {
		return nil // RFC 7517 §5: keys that are not understood are ignored
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(key); err != nil || !jwk.Valid() || !jwk.IsPublic() {
		return Refuse("jwks.keys[%d] is not a valid public key (RFC 7518)", i)
	}
	return nil
}

// understood reports whether package jose supports the key type and curve, both given as raw JSON.
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
