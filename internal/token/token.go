// Package token creates the bearer tokens of administrators and of initial access: 256 random bits, shown once and
// stored as a hash. [First] creates the admin token at a server's first start.
package token

import (
	"crypto/sha256"
	"io"

	"registrar/internal/random"
)

// New returns a token of 256 bits that are read from source, and its hash.
func New(source io.Reader) (token string, hash [sha256.Size]byte, err error) {
	if token, err = random.Token(source); err != nil {
		return "", hash, err
	}
	return token, Hash(token), nil
}

// Hash returns the SHA-256 of a token, by which it is stored and looked up. 256 random bits need no salt.
func Hash(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }
