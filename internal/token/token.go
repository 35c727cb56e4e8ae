// Package token makes the bearer tokens of administrators and of initial access: 256 random bits, shown once and kept as a
// hash. The admin token of a server's first start is made, written to a file and found again here; see [First].
package token

import (
	"crypto/sha256"
	"io"

	"registrar/internal/random"
)

// New returns a token of 256 bits, read from source, and its hash.
func New(source io.Reader) (token string, hash [sha256.Size]byte, err error) {
	if token, err = random.Token(source); err != nil {
		return "", hash, err
	}
	return token, Hash(token), nil
}

// Hash returns a token as it is kept and looked up: its SHA-256. A token has 256 random bits and needs no salt.
func Hash(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }
