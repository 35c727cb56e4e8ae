// Package claims reads the registered claims of JWTs that say from whom, for whom and for how long one is valid (RFC
// 7519 §4.1). It checks no signature.
package claims

import (
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

// Validity holds these claims, to embed. A claim that is null is left out. A date may have a fraction of a second,
// which is dropped (RFC 7519 §2): callers allow for clocks that differ by much more.
type Validity struct {
	Issuer    string           `json:"iss"`
	Audience  Strings          `json:"aud"` // RFC 7519 §4.1.3
	Expiry    *jwt.NumericDate `json:"exp"` // nil means never
	NotBefore *jwt.NumericDate `json:"nbf"` // nil means from the beginning
}

// Expired reports whether exp has passed at now, by a clock that may be ahead by leeway.
func (v *Validity) Expired(now time.Time, leeway time.Duration) bool {
	// RFC 7519 §4.1.4: on or after exp.
	return v.Expiry != nil && !now.Before(v.Expiry.Time().Add(leeway))
}

// Early reports whether nbf has not come at now, by a clock that may be behind by leeway.
func (v *Validity) Early(now time.Time, leeway time.Duration) bool {
	return v.NotBefore != nil && now.Add(leeway).Before(v.NotBefore.Time())
}

// For reports whether the audience holds one of these names. Where aud is left out it holds none.
func (v *Validity) For(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(v.Audience, name) })
}

// Strings is a claim that is a string or a list of strings, as aud is.
type Strings []string

// UnmarshalJSON reads a string, a list of strings, or null, which is no string.
func (s *Strings) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*s = nil
		return nil
	}
	return (*jwt.Audience)(s).UnmarshalJSON(b)
}
