// Package claims reads the JOSE header of JWTs (RFC 7515 §4), the registered claims that state the issuer, the
// audience and the times (RFC 7519 §4.1), and those that tell what a JWT is for. It checks no signatures.
package claims

import (
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

// Validity is these claims, for embedding. A null claim counts as absent. Fractions of a second are dropped from dates
// (RFC 7519 §2), since callers allow for a larger clock skew.
type Validity struct {
	Issuer    string           `json:"iss"`
	Audience  Strings          `json:"aud"` // RFC 7519 §4.1.3
	Expiry    *jwt.NumericDate `json:"exp"` // nil means never
	NotBefore *jwt.NumericDate `json:"nbf"` // nil means always
	IssuedAt  *jwt.NumericDate `json:"iat"` // nil means unknown; only its type is checked
}

// Expired reports whether exp has passed at now, by a clock that may be ahead by leeway (RFC 7519 §4.1.4).
func (v *Validity) Expired(now time.Time, leeway time.Duration) bool {
	// RFC 7519 §4.1.4: on or after exp.
	return v.Expiry != nil && !now.Before(v.Expiry.Time().Add(leeway))
}

// Early reports whether nbf is still ahead at now, by a clock that may be behind by leeway (RFC 7519 §4.1.5).
func (v *Validity) Early(now time.Time, leeway time.Duration) bool {
	return v.NotBefore != nil && now.Add(leeway).Before(v.NotBefore.Time())
}

// For reports whether the audience has one of the names. An absent aud has none.
func (v *Validity) For(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(v.Audience, name) })
}

// Strings is a claim that is a string or a list of strings, as aud is.
type Strings []string

// UnmarshalJSON reads a string, a list of strings, or null, which is an empty list.
func (s *Strings) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*s = nil
		return nil
	}
	return (*jwt.Audience)(s).UnmarshalJSON(b)
}
