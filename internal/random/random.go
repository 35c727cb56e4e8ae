// Package random generates secrets.
package random

import (
	"encoding/base64"
	"fmt"
	"io"
)

// tokenBytes is the length of a token before it is encoded: 256 bits.
const tokenBytes = 32

// Token returns 256 bits that it reads from random, in base64url without padding: 43 characters. With that much
// randomness a hash of the token needs no salt.
func Token(random io.Reader) (string, error) {
	var b [tokenBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("reading random bytes: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}
