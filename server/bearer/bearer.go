// Package bearer verifies JWT access tokens (RFC 9068) of trusted issuers: signature, audience, expiry, required claims
// and scope. The keys come from package keyset. See [Verifier.Verify].
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
	"registrar/internal/claims"
	"registrar/internal/keyset"
)

// ErrInvalid reports that an access token is not valid. Errors that wrap it say why, for the log.
var ErrInvalid = errors.New("the access token is not valid")

// leeway is the tolerated difference between the clocks of an issuer and this server.
const leeway = 30 * time.Second

// Config says which tokens are valid.
type Config struct {
	Issuers map[string]Issuer // by the claim iss; not empty
	Scope   string            // scope that a token needs to register; one scope
	Now     func() time.Time  // nil means time.Now
}

// A Verifier verifies access tokens. It is safe for concurrent use.
type Verifier struct {
	config Config
}

// New returns a Verifier, or an error if a field of c is missing or invalid.
func New(c Config) (*Verifier, error) {
	if !engine.IsScopeToken(c.Scope) {
		return nil, errors.New("access tokens need one scope")
	}
	return newVerifier(c)
}

// newVerifier is New without a scope.
func newVerifier(c Config) (*Verifier, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(c.Issuers) == 0 {
		return nil, errors.New("access tokens need an issuer")
	}
	issuers := make(map[string]Issuer, len(c.Issuers))
	for name, issuer := range c.Issuers {
		if name == "" {
			return nil, errors.New("an issuer of access tokens needs a name")
		}
		if err := issuer.check(); err != nil {
			return nil, fmt.Errorf("the issuer %s of access tokens: %w", name, err)
		}
		if issuer.ScopeClaims == nil {
			issuer.ScopeClaims = []string{"scope", "scp"}
		}
		issuers[name] = issuer
	}
	c.Issuers = issuers
	return &Verifier{config: c}, nil
}

// Trusts reports whether tokens of an issuer are accepted. A nil Verifier trusts none.
func (v *Verifier) Trusts(issuer string) bool {
	if v == nil {
		return false
	}
	_, trusted := v.config.Issuers[issuer]
	return trusted
}

// IsJWT reports whether a token has the form of a JWT. This server's initial access tokens do not.
func IsJWT(token string) bool { return strings.Count(token, ".") == 2 }

// typeAccessToken is the header typ of an access token (RFC 9068 §2.1). Many issuers use JWT or none; other types are
// other kinds of tokens.
const typeAccessToken = "at+jwt"

// Verify returns the caller that a token identifies. The error wraps [ErrInvalid] if the token is not valid, and
// [engine.ErrUnavailable] if the issuer's keys are unavailable. If a valid token lacks Config.Scope, it is an
// *[engine.Error] with the code insufficient_scope.
func (v *Verifier) Verify(ctx context.Context, token string) (*engine.Caller, error) {
	t, err := v.verify(ctx, token)
	if err != nil {
		return nil, err
	}
	scopes, err := t.all.scopes(t.issuer.ScopeClaims)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(scopes, v.config.Scope) {
		return nil, engine.RefuseAs(engine.InsufficientScope, "the access token needs the scope %s to register clients",
			v.config.Scope)
	}
	return &engine.Caller{Auth: engine.AuthJWT, Issuer: t.Issuer, Subject: t.Subject, TokenID: t.ID, Scopes: scopes,
		Claims: t.payload}, nil
}

// A verifiedToken is a token that is valid, whatever it allows.
type verifiedToken struct {
	*accessToken
	issuer  *Issuer
	all     claimSet
	payload []byte
}

// verify is Verify without the scope.
func (v *Verifier) verify(ctx context.Context, token string) (*verifiedToken, error) {
	signed, err := jose.ParseSignedCompact(token, engine.TrustedAlgorithms())
	if err != nil {
		return nil, invalid("it is not a JWT signed with a trusted algorithm")
	}
	header, err := claims.ReadHeader(token)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if header.Type != "" && header.Type != "jwt" && header.Type != typeAccessToken {
		return nil, invalid("its type is %.40q, not %s", header.Type, typeAccessToken)
	}
	// The claims choose the keys that verify them. They are not used for anything else before.
	unverified, err := parse(signed.UnsafePayloadWithoutVerification())
	if err != nil {
		return nil, err
	}
	issuer, trusted := v.config.Issuers[unverified.Issuer]
	if !trusted {
		return nil, invalid("its issuer %.200q is not trusted", unverified.Issuer)
	}
	payload, err := issuer.Keys.Verify(ctx, signed)
	switch {
	case errors.Is(err, keyset.ErrUnavailable):
		return nil, fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
	case errors.Is(err, keyset.ErrUnknownKey), errors.Is(err, keyset.ErrSignature):
		return nil, invalid("%v, issuer %.200q", err, unverified.Issuer)
	case err != nil:
		return nil, err
	}
	return v.judge(&issuer, header, payload)
}

// judge checks the claims of a token whose signature is valid (RFC 9068 §4).
func (v *Verifier) judge(issuer *Issuer, header claims.Header, payload []byte) (*verifiedToken, error) {
	t, err := parse(payload)
	if err != nil {
		return nil, err
	}
	all, err := parseAll(payload)
	if err != nil {
		return nil, err
	}
	// A client's scope is a claim of its statement, too.
	if header.Type != typeAccessToken && t.NotStatement() == "" {
		return nil, invalid("it is a software statement: it has a software_id, and neither a client_id nor an azp")
	}
	if err := v.check(issuer, t); err != nil {
		return nil, err
	}
	for _, required := range issuer.Require {
		if !required.fulfilled(all[required.Claim]) {
			return nil, invalid("its claim %s is not %s, as required", required.Claim, required.Value)
		}
	}
	return &verifiedToken{t, issuer, all, payload}, nil
}

// check checks the audience, the times and the confirmation of a token.
func (v *Verifier) check(issuer *Issuer, t *accessToken) error {
	now := v.config.Now()
	switch {
	case !issuer.AnyAudience && !t.For(issuer.Audiences...):
		return invalid("its audience is not %s", strings.Join(issuer.Audiences, " or "))
	case t.Expiry == nil:
		return invalid("it has no exp")
	case t.Expired(now, leeway):
		return invalid("it has expired")
	case t.Early(now, leeway):
		return invalid("its nbf is in the future")
	case t.Confirmation != nil:
		// RFC 7800: the bearer would have to prove possession of the key, which this server cannot check.
		return invalid("it is bound to a key")
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))
}
