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
	case tooManyMembers(m.JWKS, maxKeyMembers):
		return Refuse("jwks has more than %d members", maxKeyMembers)
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
	if err := tooMany(InvalidClientMetadata, "jwks.keys", len(set.Keys), maxKeys); err != nil {
		return err
	}
	for i, key := range set.Keys {
		if err := checkKey(i, key); err != nil {
			return err
		}
	}
	return nil
}

// checkOwnKeys is checkKeySources, without checking the same key set twice.
func (r *Registration) checkOwnKeys(m *Metadata) error {
	if m.JWKS != nil && m.JWKSURI == "" && bytes.Equal(m.JWKS, r.checkedKeys) {
		return nil
	}
	if err := checkKeySources(m); err != nil {
		return err
	}
	r.checkedKeys = m.JWKS
	return nil
}

// emptyKeySet reports whether v is a key set without keys, {} or {"keys":[]}, which means the same as no key set.
func emptyKeySet(v jsontext.Value) bool {
	if v.Kind() != '{' || bytes.IndexByte(v[1:], '{') >= 0 {
		return false // without parsing: keys are objects
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(v))
	if _, err := d.ReadToken(); err != nil {
		return false
	}
	for n := 0; n < maxKeyMembers; n++ {
		name, err := d.ReadToken()
		if err != nil || name.Kind() == '}' {
			return err == nil && n == 0
		}
		keys := name.String() == "keys"
		value, err := d.ReadValue()
		if err != nil {
			return false
		}
		if keys {
			var list []jsontext.Value
			return json.Unmarshal(value, &list) == nil && len(list) == 0
		}
	}
	return false
}

// privateMembers lists the members of private and symmetric keys (RFC 7518 §6).
var privateMembers = [...]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

func checkKey(i int, key jsontext.Value) error {
	if tooManyMembers(key, maxKeyMembers) {
		return Refuse("jwks.keys[%d] has more than %d members", i, maxKeyMembers)
	}
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
