package engine

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/strictjson"
)

// checkKeySources checks that m has at most one source of keys, and returns the keys of its jwks. All of them are valid
// public keys, or of a type or curve that is not known.
func checkKeySources(m *Metadata) ([]publicKey, error) {
	switch {
	case m.JWKS == nil:
		return nil, nil
	case m.JWKSURI != "":
		return nil, Refuse("jwks and jwks_uri exclude each other (RFC 7591 section 2): send one of them")
	case m.JWKS.Kind() != '{':
		return nil, Refuse("jwks must be an object with the member keys")
	case tooManyMembers(m.JWKS, maxKeyMembers):
		return nil, Refuse("jwks has more than %d members", maxKeyMembers)
	}
	var set map[string]jsontext.Value // by their decoded names
	if err := json.Unmarshal(m.JWKS, &set, checkedNames); err != nil {
		return nil, Refuse("%s", strictjson.Explain(err, "jwks"))
	}
	if name := privateMember(set); name != "" {
		return nil, Refuse("jwks holds the private member '%s': leave out jwks.%s, and send only public keys", name,
			name)
	}
	var list []jsontext.Value
	if value, there := set["keys"]; there {
		if err := json.Unmarshal(value, &list, checkedNames); err != nil {
			return nil, Refuse("jwks.keys must be a list of keys%s", strictjson.Not(value.Kind()))
		}
	}
	if len(list) == 0 {
		return nil, Refuse("jwks.keys must hold at least one key")
	}
	if err := tooMany(InvalidClientMetadata, "jwks.keys", len(list), maxKeys); err != nil {
		return nil, err
	}
	keys := make([]publicKey, len(list))
	for i, value := range list {
		var err error
		if keys[i], err = readKey(i, value); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// checkedNames is for values that were decoded strictly before, as requests, claims, patches and fetched documents are.
// To compare all names again takes long.
var checkedNames = jsontext.AllowDuplicateNames(true)

// checkedKeys is a valid jwks and its keys. The zero value means none.
type checkedKeys struct {
	jwks jsontext.Value
	keys []publicKey
}

// ownKeys is checkKeySources, without checking the same key set twice.
func (r *Registration) ownKeys(m *Metadata) ([]publicKey, error) {
	if m.JWKS != nil && m.JWKSURI == "" && bytes.Equal(m.JWKS, r.checked.jwks) {
		return r.checked.keys, nil
	}
	keys, err := checkKeySources(m)
	if err != nil {
		return nil, err
	}
	r.checked = checkedKeys{m.JWKS, keys}
	return keys, nil
}

// checkOwnKeys checks the keys of m, and that they serve what m needs keys for.
func (r *Registration) checkOwnKeys(m *Metadata) error {
	if _, err := r.ownKeys(m); err != nil {
		return err
	}
	return r.checkKeyUse(m, m.TokenEndpointAuthMethod)
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
