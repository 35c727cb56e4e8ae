package engine

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/url"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/random"
)

// HashToken returns the hash of a registration access token for storage. The token is fully random and needs no salt.
func HashToken(p Plaintext) [sha256.Size]byte { return sha256.Sum256([]byte(p)) }

// Managed reports whether clients may manage their registrations (RFC 7592). It is false for a nil Engine.
func (e *Engine) Managed() bool { return e != nil && e.options.RegistrationEndpoint != "" }

// newToken makes a registration access token.
func (e *Engine) newToken() (Plaintext, error) {
	token, err := random.Token(e.random)
	return Plaintext(token), err
}

// clientURI returns the registration_client_uri of a client. It escapes the ID, which may hold any visible ASCII.
func (e *Engine) clientURI(id string) string {
	return e.options.RegistrationEndpoint + "/" + url.PathEscape(id)
}

// Information returns the client information response for a client that presented its registration access token
// (RFC 7592 §3). It has no client_secret, which is stored only as a hash.
func (e *Engine) Information(c *Client, token Plaintext) (jsontext.Value, error) {
	r := &Registration{Client: c, Token: token, engine: e}
	return r.render()
}

// checkToken checks that r.Token matches the stored hash, or that both are missing.
func checkToken(r *Registration) error {
	kept := r.Client.TokenHash
	if (kept != nil) != (r.Token != "") || kept != nil && *kept != HashToken(r.Token) {
		return fmt.Errorf("the registration access token does not match its hash")
	}
	return nil
}

// issued reports whether p is a secret issued to the client: the current one, even if it has expired, or the previous
// one until it expires.
func (c *Client) issued(p Plaintext, now time.Time) bool {
	current := c.Secret != nil && c.Secret.matches(p)
	previous := c.PreviousSecret != nil && c.PreviousSecret.Verify(p, now)
	return current || previous
}

// VerifySecret reports whether p authenticates the client now: p is the current or the previous secret and has not
// expired.
func (e *Engine) VerifySecret(c *Client, p Plaintext) bool {
	now := e.now()
	current := c.Secret != nil && c.Secret.Verify(p, now)
	previous := c.PreviousSecret != nil && c.PreviousSecret.Verify(p, now)
	return current || previous
}

// RotateSecret gives a client a new secret and returns it. The old secret stays valid for grace, in whole seconds, but
// not beyond its own expiry; 0 revokes it. A previous secret is dropped. RotateSecret updates current to the stored
// client. It returns ErrConflict, and changes nothing, if current is out of date.
func (e *Engine) RotateSecret(ctx context.Context, current *Client, grace time.Duration) (Plaintext, error) {
	token, err := random.Token(e.random)
	if err != nil {
		return "", err
	}
	r := &Registration{Now: e.timestamp(), engine: e}
	changed := *current
	changed.Secret = HashSecret(Plaintext(token))
	changed.Secret.ExpiresAt = r.DefaultSecretExpiry()
	changed.PreviousSecret = nil
	if current.Secret != nil && grace > 0 {
		previous := *current.Secret
		end := r.Now.Truncate(time.Second).Add(grace)
		if previous.ExpiresAt.IsZero() || end.Before(previous.ExpiresAt) {
			previous.ExpiresAt = end
		}
		changed.PreviousSecret = &previous
	}
	if err := e.store.UpdateClient(ctx, &changed); err != nil {
		return "", fmt.Errorf("storing the client: %w", err)
	}
	*current = changed
	current.Version++
	return Plaintext(token), nil
}
