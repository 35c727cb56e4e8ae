// Package bearer checks JWT access tokens (RFC 9068) that trusted issuers made: who signed it, for whom, until when,
// and with which scopes. The keys come from package keyset. See [Verifier.Verify].
package bearer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"registrar/engine"
	"registrar/internal/keyset"
)

// ErrInvalid is a token that is none of ours, or not any more. Errors that match it say why, for the log.
var ErrInvalid = errors.New("the access token is not valid")

// leeway is how far the clocks of issuers may be off ours.
const leeway = 30 * time.Second

// Config says which tokens are taken.
type Config struct {
	Issuers  keyset.Issuers   // the claim iss names one of them, byte for byte
	Audience string           // that the claim aud has to hold: this server, as issuers name it
	Scope    string           // that a token needs to register
	Now      func() time.Time // nil means time.Now
}

// A Verifier checks access tokens. It is safe for concurrent use.
type Verifier struct {
	config Config
}

// New returns a Verifier.
func New(c Config) (*Verifier, error) {
	if c.Audience == "" || !engine.IsScopeToken(c.Scope) {
		return nil, errors.New("access tokens need an audience and one scope")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(c.Issuers) == 0 {
		return nil, errors.New("access tokens need an issuer")
	}
	for name, keys := range c.Issuers {
		if name == "" || keys == nil {
			return nil, errors.New("an issuer of access tokens needs a name and keys")
		}
	}
	return &Verifier{config: c}, nil
}

// IsJWT reports whether a token has the form of a JWT, which no opaque token of this server has.
func IsJWT(token string) bool { return strings.Count(token, ".") == 2 }

// types are what the header typ of an access token may say. RFC 9068 §2.1 wants at+jwt; many issuers say JWT, or
// nothing. Another type is another kind of token.
func types() []string { return []string{"", "jwt", "at+jwt", "application/at+jwt"} }

// Verify returns who bears a token. The error matches [ErrInvalid], or [engine.ErrUnavailable] where the issuer's keys
// cannot be had; a good token without the scope gets an *[engine.Error] with the code insufficient_scope.
func (v *Verifier) Verify(ctx context.Context, token string) (*engine.Caller, error) {
	signed, err := jose.ParseSignedCompact(token, engine.TrustedAlgorithms())
	if err != nil {
		return nil, invalid("it is no JWT that is signed by one of the algorithms that are trusted")
	}
	header := signed.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); !slices.Contains(types(), strings.ToLower(typ)) {
		return nil, invalid("its type is %.40q, not at+jwt", typ)
	}
	// The claims are believed once the keys of who they say to be from verified them.
	unverified, err := parse(signed.UnsafePayloadWithoutVerification())
	if err != nil {
		return nil, err
	}
	keys := v.config.Issuers[unverified.Issuer]
	if keys == nil {
		return nil, invalid("its issuer %.200q is not trusted", unverified.Issuer)
	}
	payload, err := keys.Verify(ctx, signed)
	switch {
	case errors.Is(err, keyset.ErrUnavailable):
		return nil, fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
	case errors.Is(err, keyset.ErrUnknownKey), errors.Is(err, keyset.ErrSignature):
		return nil, invalid("%v, issuer %.200q", err, unverified.Issuer)
	case err != nil:
		return nil, err
	}
	t, err := parse(payload)
	if err != nil {
		return nil, err
	}
	if err := v.check(t); err != nil {
		return nil, err
	}
	return &engine.Caller{Auth: engine.AuthJWT, Issuer: t.Issuer, Subject: t.Subject, TokenID: t.ID, Scopes: t.scopes(), Claims: payload}, nil
}

// check checks the claims of a token that its issuer signed (RFC 9068 §4).
func (v *Verifier) check(t *accessToken) error {
	now := v.config.Now()
	switch {
	case !t.For(v.config.Audience):
		return invalid("its audience is not %s", v.config.Audience)
	case t.Expiry == nil:
		return invalid("it has no exp")
	case t.Expired(now, leeway):
		return invalid("it has expired")
	case t.Early(now, leeway):
		return invalid("its nbf is in the future")
	case t.Confirmation != nil:
		// RFC 7800: the bearer would have to prove that the key is theirs, which this server cannot check.
		return invalid("it is bound to a key")
	case !slices.Contains(t.scopes(), v.config.Scope):
		return engine.RefuseAs(engine.InsufficientScope, "the access token needs the scope %s to register clients", v.config.Scope)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))
}
