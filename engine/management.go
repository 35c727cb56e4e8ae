package engine

import (
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

// checkToken checks that r.Token matches the stored hash, or that both are missing. The update of an administrator must
// not change the hash.
func checkToken(r *Registration) error {
	if r.admin != nil && r.current != nil {
		return checkTokenKept(r)
	}
	kept := r.Client.TokenHash
	if (kept != nil) != (r.Token != "") || kept != nil && *kept != HashToken(r.Token) {
		return fmt.Errorf("the registration access token does not match its hash")
	}
	return nil
}

// issued reports whether p is a secret issued to the client: the current one, even if it has expired, or the previous
// one while it is valid or gets a new one.
func (c *Client) issued(p Plaintext, now time.Time) bool {
	current := c.Secret != nil && c.Secret.matches(p)
	previous := c.PreviousSecret != nil && c.PreviousSecret.matches(p) && c.keepsPrevious(now)
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
