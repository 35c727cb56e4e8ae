package bearer

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/claims"
)

// accessToken holds the claims of an access token (RFC 9068 §2.2).
type accessToken struct {
	claims.Validity
	Subject      string          `json:"sub"`
	ID           string          `json:"jti"`
	Scope        claims.Strings  `json:"scope"` // words in a string (RFC 8693 §4.2); some issuers use a list
	Scp          claims.Strings  `json:"scp"`   // the name of scope at some issuers
	Confirmation *jsontext.Value `json:"cnf"`   // nil means that the token is not bound to a key
}

// parse decodes the claims of a token. It rejects duplicate names, so that all parsers agree on the claims.
func parse(payload []byte) (*accessToken, error) {
	t := &accessToken{}
	if jsontext.Value(payload).Kind() != '{' || json.Unmarshal(payload, t) != nil {
		return nil, invalid("its claims are not a JSON object, " +
			"or one of iss, sub, aud, exp, nbf, jti, scope and scp has a wrong type")
	}
	return t, nil
}

// scopes returns the scopes of a token, from both claims and in both forms.
func (t *accessToken) scopes() []string {
	var words []string
	for _, s := range slices.Concat(t.Scope, t.Scp) {
		words = append(words, strings.Fields(s)...)
	}
	return words
}
