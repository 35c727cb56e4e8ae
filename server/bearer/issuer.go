package bearer

import (
	"errors"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/keyset"
)

// An Issuer holds the keys of an issuer, and says which of its tokens are valid.
type Issuer struct {
	Keys        *keyset.Set
	Audiences   []string      // the claim aud must hold one of them; empty if and only if AnyAudience is set
	AnyAudience bool          // accept every aud, and none; needs Require, since the tokens may be for other servers
	ScopeClaims []string      // names of the claims that hold scopes; nil means scope and scp
	Require     []Requirement // a token must fulfil all of them; nil means none
}

// check returns an error if a field is missing or invalid.
func (i *Issuer) check() error {
	incomplete := func(q Requirement) bool { return q.Claim == "" || q.Value == "" }
	switch {
	case i.Keys == nil:
		return errors.New("it needs keys")
	case i.AnyAudience != (len(i.Audiences) == 0) || slices.Contains(i.Audiences, ""):
		return errors.New("it needs either audiences or AnyAudience")
	case i.AnyAudience && len(i.Require) == 0:
		return errors.New("tokens for any audience need a required claim")
	case slices.Contains(i.ScopeClaims, "") || slices.ContainsFunc(i.Require, incomplete):
		return errors.New("a claim needs a name, and a required one a value")
	}
	return nil
}

// A Requirement is a claim that a token must have.
type Requirement struct {
	Claim string // name, at the outermost level
	// Value is the text of the claim if that is a string, or its JSON text if that is a number, true or false. A list must
	// hold such a value. An object and null have no value.
	Value string
}

// fulfilled reports whether a claim has the required value. claim is nil if it is missing.
func (q Requirement) fulfilled(claim jsontext.Value) bool {
	if claim.Kind() != '[' {
		return q.is(claim)
	}
	var list []jsontext.Value
	return json.Unmarshal(claim, &list) == nil && slices.ContainsFunc(list, q.is)
}

func (q Requirement) is(value jsontext.Value) bool {
	switch value.Kind() {
	case '"':
		var text string
		return json.Unmarshal(value, &text) == nil && text == q.Value
	case '0', 't', 'f':
		return string(value) == q.Value
	}
	return false
}
