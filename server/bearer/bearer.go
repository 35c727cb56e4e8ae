// Package bearer verifies JWT access tokens (RFC 9068) of trusted issuers: signature, audience, expiry and scope. The
// keys come from package keyset. See [Verifier.Verify].
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

// ErrInvalid reports that an access token is not valid. Errors that wrap it say why, for the log.
var ErrInvalid = errors.New("the access token is not valid")

// leeway is the tolerated difference between the clocks of an issuer and this server.
const leeway = 30 * time.Second

// Config says which tokens are valid.
type Config struct {
	Issuers  keyset.Issuers   // the claim iss must be one of them; not empty
	Audience string           // the claim aud must hold it; not empty
	Scope    string           // scope that a token needs to register; one scope
	Now      func() time.Time // nil means time.Now
}

// A Verifier verifies access tokens. It is safe for concurrent use.
type Verifier struct {
	config Config
}

// New returns a Verifier, or an error if a field of c is missing or invalid.
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

// IsJWT reports whether a token has the form of a JWT. This server's initial access tokens do not.
func IsJWT(token string) bool { return strings.Count(token, ".") == 2 }

// types returns the allowed values of the header typ, in lower case. RFC 9068 §2.1 requires at+jwt; many issuers use
// JWT or none. Other types are other kinds of tokens.
func types() []string { return []string{"", "jwt", "at+jwt", "application/at+jwt"} }

// Verify returns the caller that a token identifies. The error wraps [ErrInvalid] if the token is not valid, and
// [engine.ErrUnavailable] if the issuer's keys are unavailable. If a valid token lacks Config.Scope, it is an
// *[engine.Error] with the code insufficient_scope.
func (v *Verifier) Verify(ctx context.Context, token string) (*engine.Caller, error) {
	signed, err := jose.ParseSignedCompact(token, engine.TrustedAlgorithms())
	if err != nil {
		return nil, invalid("it is not a JWT signed with a trusted algorithm")
	}
	header := signed.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); !slices.Contains(types(), strings.ToLower(typ)) {
		return nil, invalid("its type is %.40q, not at+jwt", typ)
	}
	// The claims choose the keys that verify them. They are not used for anything else before.
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
	return &engine.Caller{Auth: engine.AuthJWT, Issuer: t.Issuer, Subject: t.Subject, TokenID: t.ID,
		Scopes: t.scopes(), Claims: payload}, nil
}

// check checks the claims of a token whose signature is valid (RFC 9068 §4).
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
		// RFC 7800: the bearer would have to prove possession of the key, which this server cannot check.
		return invalid("it is bound to a key")
	case !slices.Contains(t.scopes(), v.config.Scope):
		return engine.RefuseAs(engine.InsufficientScope, "the access token needs the scope %s to register clients",
			v.config.Scope)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))
}
