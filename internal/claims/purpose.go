package claims

import "github.com/go-json-experiment/json/jsontext"

// Purpose is the claims that tell a software statement from an access token where an issuer signs both, perhaps with
// the same header (RFC 8725 §3.12), for embedding. A statement names software and no client, which an access token does
// (RFC 9068 §2.2).
type Purpose struct {
	SoftwareID      jsontext.Value `json:"software_id"`
	ClientID        jsontext.Value `json:"client_id"`
	AuthorizedParty jsontext.Value `json:"azp"`
}

// NotStatement returns why the claims are not those of a software statement, as words that follow its name; "" means
// that they are.
func (p *Purpose) NotStatement() string {
	switch {
	case LeftOut(p.SoftwareID):
		return "has no software_id, which it needs"
	case !LeftOut(p.ClientID):
		return "must not have a client_id"
	case !LeftOut(p.AuthorizedParty):
		return "must not have an azp"
	}
	return ""
}

// LeftOut reports whether a claim counts as left out: it is missing, null or "".
func LeftOut(claim jsontext.Value) bool {
	return claim == nil || claim.Kind() == 'n' || string(claim) == `""`
}
