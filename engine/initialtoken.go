package engine

import (
	"crypto/sha256"
	"time"
)

// An InitialAccessToken allows its bearer to register clients (RFC 7591 §1.2). The token itself, 256 random bits, is
// not stored.
type InitialAccessToken struct {
	ID        string            // 1 to 64 bytes; Caller.TokenID of its bearer
	Hash      [sha256.Size]byte // SHA-256 of the token
	Label     string            // the operator's name for the token, at most 255 characters
	Scopes    []string          // Caller.Scopes of its bearer
	MaxUses   int64             // number of clients that may register with the token; 0 means any number
	UsesLeft  int64             // the rest of MaxUses; 0 if MaxUses is 0
	CreatedAt time.Time         // UTC, in whole microseconds
	ExpiresAt time.Time         // UTC, in whole microseconds; zero means never
}

// Usable reports whether t may register another client at now: it has uses left and has not expired.
func (t *InitialAccessToken) Usable(now time.Time) bool {
	return (t.MaxUses == 0 || t.UsesLeft > 0) && (t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt))
}

// Caller returns the caller for a registration with t.
func (t *InitialAccessToken) Caller() Caller {
	return Caller{Auth: AuthInitialAccessToken, TokenID: t.ID, Scopes: t.Scopes}
}
