package keyset

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"registrar/engine"
)

// Issuers maps the issuers that the operator trusts to their keys. It is immutable.
type Issuers map[string]*Set

// ParseIssuers parses a list of ISSUER=JWKS. JWKS is a [Config.Source]; the rest of config applies to every issuer. It
// is an error to give an issuer twice.
func ParseIssuers(list []string, config Config) (Issuers, error) {
	issuers := make(Issuers, len(list))
	for _, entry := range list {
		issuer, source, ok := divide(entry)
		if !ok {
			return nil, fmt.Errorf("%q: must be ISSUER=JWKS, such as "+
				"https://issuer.example=https://issuer.example/jwks.json", entry)
		}
		if _, twice := issuers[issuer]; twice {
			return nil, fmt.Errorf("%q is given twice; an issuer has one source of keys", issuer)
		}
		config.Source = source
		keys, err := New(config)
		if err != nil {
			return nil, fmt.Errorf("issuer %s: %w", issuer, err)
		}
		issuers[issuer] = keys
	}
	return issuers, nil
}

// divide splits at the equals sign before the source's scheme, else at the first one.
func divide(entry string) (issuer, source string, ok bool) {
	for _, scheme := range []string{"=https://", "=http://"} {
		if i := strings.Index(entry, scheme); i > 0 {
			return entry[:i], entry[i+1:], true
		}
	}
	issuer, source, ok = strings.Cut(entry, "=")
	return issuer, source, ok && issuer != "" && source != ""
}

// CutIssuer splits an entry of the form ISSUER=VALUE, where the issuer is in the map. It returns the issuer "" and the
// whole entry if it does not begin with one. The longest issuer counts.
func (i Issuers) CutIssuer(entry string) (issuer, value string) {
	value = entry
	for name := range i {
		if rest, found := strings.CutPrefix(entry, name+"="); found && len(name) > len(issuer) {
			issuer, value = name, rest
		}
	}
	return issuer, value
}

// StatementKeys returns the keys that may have signed a software statement (RFC 7591 §2.3). It implements the
// StatementKeys of [engine.Config]. The error is [engine.ErrUntrusted] for an issuer that is not in the map and
// [engine.ErrUnavailable] while the issuer's keys cannot be read.
func (i Issuers) StatementKeys(
	ctx context.Context, issuer, keyID string, alg jose.SignatureAlgorithm,
) ([]jose.JSONWebKey, error) {
	set, trusted := i[issuer]
	if !trusted {
		return nil, engine.ErrUntrusted
	}
	keys, err := set.Keys(ctx, keyID, alg)
	switch {
	case errors.Is(err, ErrUnknownKey):
		return nil, nil
	case errors.Is(err, ErrUnavailable):
		return nil, fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
	}
	return keys, err
}
