package claims

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/strictjson"
)

// A Header is what the JOSE header of a JWT says about its kind (RFC 7515 §4.1).
type Header struct {
	// Type is typ in lower case, without "application/", which may be left out (RFC 7515 §4.1.9); "" means that the
	// header has no typ.
	Type string
}

// ReadHeader reads the JOSE header of a JWT in compact form. It refuses what a verifier must not skip and parsers read
// differently: a header that is not a strict JSON object, with a member twice or of the wrong type, with crit, or with
// an unencoded payload. It checks neither the algorithm nor the signature. The error is for the sender, and names the
// member.
func ReadHeader(compact string) (Header, error) {
	encoded, _, _ := strings.Cut(compact, ".")
	b, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || jsontext.Value(b).Kind() != '{' {
		return Header{}, errors.New("the header must be a JSON object in base64url")
	}
	var h struct {
		Algorithm   jsontext.Value `json:"alg"`
		Type        jsontext.Value `json:"typ"`
		ContentType jsontext.Value `json:"cty"`
		KeyID       jsontext.Value `json:"kid"`
		Critical    jsontext.Value `json:"crit"`
		Encoded     jsontext.Value `json:"b64"`
	}
	if err := json.Unmarshal(b, &h); err != nil {
		return Header{}, errors.New(strictjson.Explain(err, "the header"))
	}
	for _, member := range [...]struct {
		name  string
		value jsontext.Value
	}{{"alg", h.Algorithm}, {"typ", h.Type}, {"cty", h.ContentType}, {"kid", h.KeyID}} {
		if member.value != nil && member.value.Kind() != '"' {
			return Header{}, fmt.Errorf("the header's %s must be a string%s", member.name,
				strictjson.Not(member.value.Kind()))
		}
	}
	if err := checkCritical(h.Critical); err != nil {
		return Header{}, err
	}
	// RFC 7797 §7: JWTs must not use b64 with the value false.
	if h.Encoded != nil && string(h.Encoded) != "true" {
		return Header{}, errors.New("the header's b64 must be true or left out")
	}
	var typ string
	if h.Type != nil {
		if err := json.Unmarshal(h.Type, &typ); err != nil {
			return Header{}, errors.New("the header's typ must be a string")
		}
	}
	return Header{Type: strings.TrimPrefix(strings.ToLower(typ), "application/")}, nil
}

// checkCritical refuses crit in any form. RFC 7515 §4.1.11: it is a list of names, not empty, and a JWT with a name
// that the recipient does not implement is invalid; this program implements none.
func checkCritical(crit jsontext.Value) error {
	if crit == nil {
		return nil
	}
	var names []jsontext.Value
	if crit.Kind() != '[' || json.Unmarshal(crit, &names) != nil || len(names) == 0 ||
		slices.ContainsFunc(names, func(v jsontext.Value) bool { return v.Kind() != '"' }) {
		return errors.New("the header's crit must be a list of strings, not empty")
	}
	return fmt.Errorf("the header's crit demands %.100s, which this server does not implement", names[0])
}
