package engine

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"registrar/internal/random"
)

// The bounds of a client secret's length, in visible ASCII characters (RFC 6749 appendix A.2, VSCHAR without space).
const (
	MinSecret = 32
	MaxSecret = 255
)

// SaltSize is the length of a salt in bytes.
const SaltSize = 16

// A Plaintext is a client secret or a token in plain text. It prints as [redacted]; only [Plaintext.Reveal] returns it.
type Plaintext string

const redacted = "[redacted]"

// Reveal returns the plain text.
func (p Plaintext) Reveal() string { return string(p) }

// String returns "[redacted]".
func (Plaintext) String() string { return redacted }

// GoString returns "[redacted]".
func (Plaintext) GoString() string { return redacted }

// LogValue returns "[redacted]".
func (Plaintext) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns "[redacted]", quoted.
func (Plaintext) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// A Secret is a client secret as it is stored: only its hash.
type Secret struct {
	Hash      [sha256.Size]byte // SHA-256 of the secret, or HMAC-SHA-256 of it under Salt
	Salt      []byte            // SaltSize bytes; nil for a secret of 256 random bits, which needs none
	ExpiresAt time.Time         // UTC, in whole seconds; zero means never
}

// HashSecret returns p for storage, hashed without a salt. p must be fully random.
func HashSecret(p Plaintext) *Secret {
	return &Secret{Hash: sha256.Sum256([]byte(p))}
}

// SaltSecret returns p for storage, hashed with a salt that it reads from random. Secrets that a script chose need one,
// since they may not be random. Its errors are those of random.
func SaltSecret(p Plaintext, random io.Reader) (*Secret, error) {
	one := &struct { // one allocation for both
		Secret
		salt [SaltSize]byte
	}{}
	s := &one.Secret
	s.Salt = one.salt[:]
	if _, err := io.ReadFull(random, s.Salt); err != nil {
		return nil, err
	}
	s.Hash = s.hash(p)
	return s, nil
}

// Verify reports, in constant time, whether p is the secret and has not expired at now.
func (s *Secret) Verify(p Plaintext, now time.Time) bool {
	return s.matches(p) && (s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt))
}

// matches reports, in constant time, whether p is the secret, even if it has expired.
func (s *Secret) matches(p Plaintext) bool {
	h := s.hash(p)
	return subtle.ConstantTimeCompare(h[:], s.Hash[:]) == 1
}

func (s *Secret) hash(p Plaintext) [sha256.Size]byte {
	if s.Salt == nil {
		return sha256.Sum256([]byte(p))
	}
	m := hmac.New(sha256.New, s.Salt)
	m.Write([]byte(p))
	return [sha256.Size]byte(m.Sum(nil))
}

// addClientSecret runs generate_secret if the client needs a secret and has none.
func addClientSecret(ctx context.Context, r *Registration) error {
	if !usesSharedSecret(r.Client.Metadata.TokenEndpointAuthMethod) || r.Client.Secret != nil {
		return nil
	}
	return r.runStep(ctx, StepGenerateSecret, r.steps.GenerateSecret)
}

// generateSecret gives the client a random secret.
func generateSecret(_ context.Context, r *Registration) error {
	token, err := random.Token(r.engine.random)
	if err != nil {
		return err
	}
	r.Secret = Plaintext(token)
	r.Client.Secret = HashSecret(r.Secret)
	r.Client.Secret.ExpiresAt = r.DefaultSecretExpiry()
	return nil
}

// DefaultSecretExpiry returns when a secret made now expires by Options.SecretLifetime, in whole seconds; the zero time
// means never.
func (r *Registration) DefaultSecretExpiry() time.Time {
	if r.engine.options.SecretLifetime == 0 {
		return time.Time{}
	}
	return r.Now.Truncate(time.Second).Add(r.engine.options.SecretLifetime)
}

// SetSecret gives the client a secret that a script chose. expiresAt is in whole seconds; the zero time means never. It
// returns the error of [CheckSecret] if p is not a valid secret.
func (r *Registration) SetSecret(p Plaintext, expiresAt time.Time) error {
	if err := CheckSecret(p); err != nil {
		return err
	}
	secret, err := SaltSecret(p, r.engine.random)
	if err != nil {
		return fmt.Errorf("salting a secret: %w", err)
	}
	secret.ExpiresAt = expiresAt
	r.Secret, r.Client.Secret = p, secret
	r.salted = &saltedSecret{plain: p, hash: secret.Hash, salt: [SaltSize]byte(secret.Salt)}
	return nil
}

// A saltedSecret holds a secret whose salted hash was made, so that the invariants need not make it again, which takes
// longer than all their other checks of a secret. It is held by a pointer, which package fmt does not follow: fmt
// cannot call the methods of an unexported field.
type saltedSecret struct {
	plain Plaintext
	hash  [sha256.Size]byte
	salt  [SaltSize]byte
}

// is reports whether s is a hash of p that was made before. False means that it is not known. k may be nil.
func (k *saltedSecret) is(s *Secret, p Plaintext) bool {
	return k != nil && k.plain == p && k.hash == s.Hash && string(k.salt[:]) == string(s.Salt)
}

// CheckSecret returns an error unless p is MinSecret to MaxSecret visible ASCII characters.
func CheckSecret(p Plaintext) error {
	if len(p) < MinSecret || len(p) > MaxSecret {
		return fmt.Errorf("the client secret has %d characters: it must have %d to %d", len(p), MinSecret, MaxSecret)
	}
	if strings.IndexFunc(string(p), invisible) >= 0 {
		return fmt.Errorf("the client secret must be visible ASCII without spaces")
	}
	return nil
}
