package bearer

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
	"registrar/internal/claims"
)

// accessToken holds the claims of an access token (RFC 9068 §2.2).
type accessToken struct {
	claims.Validity
	claims.Purpose
	Subject      string          `json:"sub"`
	ID           string          `json:"jti"`
	Confirmation *jsontext.Value `json:"cnf"` // nil means that the token is not bound to a key
}

// parse decodes the claims of a token. It rejects duplicate names, so that all parsers agree on the claims.
func parse(payload []byte) (*accessToken, error) {
	t := &accessToken{}
	if jsontext.Value(payload).Kind() != '{' || json.Unmarshal(payload, t) != nil {
		return nil, invalid("its claims are not a JSON object, " +
			"or one of iss, sub, aud, exp, nbf, iat and jti has a wrong type")
	}
	return t, nil
}

// A claimSet holds all claims of a token, by name.
type claimSet map[string]jsontext.Value

func parseAll(payload []byte) (claimSet, error) {
	var all claimSet
	if err := json.Unmarshal(payload, &all); err != nil {
		return nil, invalid("its claims are not a JSON object")
	}
	return all, nil
}

// scopes returns the scopes in claims of these names. A string holds scopes between spaces, %x20 and nothing else (RFC
// 6749 §3.3, RFC 8693 §4.2); each element of a list is one scope. It leaves out what cannot be a scope, and repeats.
func (c claimSet) scopes(names []string) ([]string, error) {
	var scopes []string
	known := map[string]bool{}
	for _, name := range names {
		value, there := c[name]
		if !there {
			continue
		}
		var list claims.Strings
		if err := json.Unmarshal(value, &list); err != nil {
			return nil, invalid("its claim %.100s has a wrong type: it must be a string or a list of strings", name)
		}
		if value.Kind() == '"' {
			list = strings.Split(list[0], " ")
		}
		for _, scope := range list {
			if engine.IsScopeToken(scope) && !known[scope] {
				known[scope] = true
				scopes = append(scopes, scope)
			}
		}
	}
	return scopes, nil
}
