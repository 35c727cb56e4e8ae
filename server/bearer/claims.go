package bearer

import (
	"math"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// claims are what an access token says.
type claims struct {
	Issuer       string         `json:"iss"`
	Subject      string         `json:"sub"`
	ID           string         `json:"jti"`
	Audience     jsontext.Value `json:"aud"` // a string or a list of them (RFC 7519 §4.1.3)
	Expires      *float64       `json:"exp"` // seconds, perhaps with a fraction (RFC 7519 §2)
	NotBefore    *float64       `json:"nbf"`
	Scope        jsontext.Value `json:"scope"` // words in a string (RFC 8693 §4.2); some issuers write a list
	Scp          jsontext.Value `json:"scp"`   // what other issuers call scope
	Confirmation jsontext.Value `json:"cnf"`

	audience  []string
	scopes    []string
	expires   time.Time // zero where the token never expires
	notBefore time.Time
}

// parse reads claims. A name that comes twice is refused: two readers could believe different ones.
func parse(payload []byte) (*claims, error) {
	c := &claims{}
	if jsontext.Value(payload).Kind() != '{' || json.Unmarshal(payload, c) != nil {
		return nil, invalid("its claims are no JSON object, or a claim of RFC 7519 has a wrong type")
	}
	if string(c.Confirmation) == "null" {
		c.Confirmation = nil
	}
	var ok [3]bool
	c.audience, ok[0] = texts(c.Audience)
	scope, okScope := texts(c.Scope)
	scp, okScp := texts(c.Scp)
	for _, s := range append(scope, scp...) {
		c.scopes = append(c.scopes, strings.Fields(s)...)
	}
	c.expires, ok[1] = date(c.Expires)
	c.notBefore, ok[2] = date(c.NotBefore)
	if ok != [3]bool{true, true, true} || !okScope || !okScp {
		return nil, invalid("aud, exp, nbf, scope or scp has a wrong type")
	}
	return c, nil
}

// texts reads a string or a list of strings; nothing stands for an empty list.
func texts(v jsontext.Value) ([]string, bool) {
	var one string
	var list []string
	switch v.Kind() {
	case '"':
		err := json.Unmarshal(v, &one)
		return []string{one}, err == nil
	case '[':
		err := json.Unmarshal(v, &list)
		return list, err == nil
	}
	return nil, v == nil || v.Kind() == 'n'
}

// date reads seconds since 1970; nil stands for no time.
func date(seconds *float64) (time.Time, bool) {
	if seconds == nil {
		return time.Time{}, true
	}
	if math.Abs(*seconds) > 1e11 { // the year 5138
		return time.Time{}, false
	}
	whole, fraction := math.Modf(*seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), true
}
