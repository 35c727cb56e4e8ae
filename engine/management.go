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

// HashToken returns a registration access token as it is kept. It is random through and through and needs no salt.
func HashToken(p Plaintext) [sha256.Size]byte { return sha256.Sum256([]byte(p)) }

// Managed reports whether clients may manage their registrations (RFC 7592). Without an engine they do not.
func (e *Engine) Managed() bool { return e != nil && e.options.RegistrationEndpoint != "" }

// newToken makes a registration access token.
func (e *Engine) newToken() (Plaintext, error) {
	token, err := random.Token(e.random)
	return Plaintext(token), err
}

// clientURI returns the registration_client_uri of a client. Its ID may hold what has a meaning in a path.
func (e *Engine) clientURI(id string) string {
	return e.options.RegistrationEndpoint + "/" + url.PathEscape(id)
}

// Information returns the client information response for a client that presented its registration access token
// (RFC 7592 §3). A secret is not in it: it is kept as a hash.
func (e *Engine) Information(c *Client, token Plaintext) (jsontext.Value, error) {
	r := &Registration{Client: c, Token: token, engine: e}
	return r.render()
}

// checkToken checks that the token that is answered is the one that is kept, or that there is none.
func checkToken(r *Registration) error {
	kept := r.Client.TokenHash
	if (kept != nil) != (r.Token != "") || kept != nil && *kept != HashToken(r.Token) {
		return fmt.Errorf("the registration access token is not the one that is kept")
	}
	return nil
}

// issued reports whether p is a secret that the client was given: the one that it has, or the one before within its grace.
func (c *Client) issued(p Plaintext, now time.Time) bool {
	current := c.Secret != nil && c.Secret.matches(p)
	previous := c.PreviousSecret != nil && c.PreviousSecret.Verify(p, now)
	return current || previous
}

// VerifySecret reports whether p authenticates the client now: its secret, or the one before within its grace.
func (e *Engine) VerifySecret(c *Client, p Plaintext) bool {
	now := e.now()
	current := c.Secret != nil && c.Secret.Verify(p, now)
	previous := c.PreviousSecret != nil && c.PreviousSecret.Verify(p, now)
	return current || previous
}

// RotateSecret gives a client a new secret and returns it. The old one stays valid for the grace time, in whole seconds,
// but not beyond its own end; one that was in its grace already is dropped. It changes current to what is stored, or returns
// ErrConflict where current is out of date: then nothing is changed.
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
