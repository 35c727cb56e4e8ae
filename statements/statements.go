// Package statements says whose software statements (RFC 7591 §2.3) the operator trusts, and gives the engine the keys
// that check them. The keys themselves are kept by package keyset.
package statements

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"registrar/engine"
	"registrar/keyset"
)

// Issuers are the issuers that are trusted, each with its keys. They are never changed.
type Issuers map[string]*keyset.Set

// New reads a list of ISSUER=SOURCE, where a source is what config.Source can be; the rest of config is for all.
func New(list []string, config keyset.Config) (Issuers, error) {
	issuers := Issuers{}
	for _, entry := range list {
		issuer, source, ok := divide(entry)
		if !ok {
			return nil, fmt.Errorf("%q: it must be ISSUER=SOURCE, such as https://issuer.example=https://issuer.example/jwks.json", entry)
		}
		if _, twice := issuers[issuer]; twice {
			return nil, fmt.Errorf("%q is there twice: an issuer has one source of keys", issuer)
		}
		config.Source = source
		set, err := keyset.New(config)
		if err != nil {
			return nil, fmt.Errorf("issuer %s: %w", issuer, err)
		}
		issuers[issuer] = set
	}
	return issuers, nil
}

// divide splits at the equals sign in front of the source's scheme, else at the first one.
func divide(entry string) (issuer, source string, ok bool) {
	for _, scheme := range []string{"=https://", "=http://"} {
		if i := strings.Index(entry, scheme); i > 0 {
			return entry[:i], entry[i+1:], true
		}
	}
	issuer, source, ok = strings.Cut(entry, "=")
	return issuer, source, ok && issuer != "" && source != ""
}

// Keys is engine.Config.StatementKeys. Keys that cannot be read now are engine.ErrUnavailable: the statement may be right.
func (i Issuers) Keys(ctx context.Context, issuer, keyID string, alg jose.SignatureAlgorithm) ([]jose.JSONWebKey, error) {
	set, trusted := i[issuer]
	if !trusted {
		return nil, engine.ErrUntrusted
	}
	keys, err := set.Key(ctx, keyID, alg)
	switch {
	case errors.Is(err, keyset.ErrUnknownKey):
		return nil, nil
	case errors.Is(err, keyset.ErrAway):
		return nil, fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
	}
	return keys, err
}
