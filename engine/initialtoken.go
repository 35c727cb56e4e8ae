package engine

import (
	"crypto/sha256"
	"time"
)

// An InitialAccessToken lets whoever has it register (RFC 7591 §1.2). The token itself, 256 random bits, is kept nowhere.
type InitialAccessToken struct {
	ID        string            // 1 to 64 bytes; the [Caller] names it
	Hash      [sha256.Size]byte // SHA-256 of the token
	Label     string            // the operator's words, at most 255 characters
	Scopes    []string          // that the caller has; scripts read them
	MaxUses   int64             // how many clients may be registered with it; 0 means any number
	UsesLeft  int64             // of MaxUses; 0 where that is 0
	CreatedAt time.Time         // UTC, in whole microseconds
	ExpiresAt time.Time         // UTC, in whole microseconds; zero means never
}

// Usable reports whether t lets anybody register at now.
func (t *InitialAccessToken) Usable(now time.Time) bool {
	return (t.MaxUses == 0 || t.UsesLeft > 0) && (t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt))
}

// Caller returns who registers with t.
func (t *InitialAccessToken) Caller() Caller {
	return Caller{Auth: AuthInitialAccessToken, TokenID: t.ID, Scopes: t.Scopes}
}
