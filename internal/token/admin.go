package token

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"registrar/engine"
	"registrar/internal/secretfile"
)

const (
	// AdminVariable is the environment variable that holds the admin token. The token is never an argument.
	AdminVariable = "REGISTRAR_ADMIN_TOKEN"
	// AdminFile is the name of the file to which a server's first start writes the admin token.
	AdminFile = "registrar.token"

	minAdmin = 32 // characters of an admin token at least
)

// An Admin is an admin token as the database stores it: a hash. The token itself is not stored.
type Admin struct {
	ID        string            // 1 to 64 bytes
	Hash      [sha256.Size]byte // SHA-256 of the token
	Role      string            // at most 64 characters
	CreatedAt time.Time         // UTC, in whole microseconds
}

// An AdminStore keeps admin tokens.
type AdminStore interface {
	// AddAdminToken stores t durably and returns true, or false if another token has its ID.
	AddAdminToken(ctx context.Context, t Admin) (bool, error)
	// AdminTokens returns every token, the oldest first.
	AdminTokens(ctx context.Context) ([]Admin, error)
}

// Configured returns the administrator who presents the configured token: one with [RoleAdmin], named by the first bytes
// of the token's hash.
func Configured(token string) *Administrator {
	hash := Hash(token)
	return &Administrator{Name: "admin token " + hex.EncodeToString(hash[:4]), Roles: []Role{RoleAdmin}}
}

// Find returns a function that returns who presents a token: the configured one ("" means none) or one of those in the
// database. It returns [engine.ErrNotFound] for others.
func Find(configured string, tokens AdminStore) func(ctx context.Context, presented string) (*Administrator, error) {
	return func(ctx context.Context, presented string) (*Administrator, error) {
		sent := Hash(presented)
		if own := Hash(configured); configured != "" && subtle.ConstantTimeCompare(own[:], sent[:]) == 1 {
			return Configured(configured), nil
		}
		stored, err := tokens.AdminTokens(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range stored {
			if subtle.ConstantTimeCompare(t.Hash[:], sent[:]) == 1 {
				return &Administrator{Name: t.ID, Roles: DecodeRoles(t.Role)}, nil
			}
		}
		return nil, engine.ErrNotFound
	}
}

// ReadFile returns the admin token in a file. The file may end with a line break. Users other than its owner and its
// group must not be able to read it: see [secretfile.Read].
func ReadFile(path string) (string, error) {
	token, err := secretfile.Read(path)
	if err != nil {
		return "", fmt.Errorf("reading the admin token: %w", err)
	}
	if err := CheckAdmin(token); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return token, nil
}

// CheckAdmin returns an error if token is not a valid admin token. The error does not quote it.
func CheckAdmin(token string) error {
	if len(token) < minAdmin {
		return fmt.Errorf("an admin token has at least %d characters, this one has %d", minAdmin, len(token))
	}
	// RFC 6750 §2.1 allows fewer characters. Any visible ASCII fits into a header.
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("an admin token is visible ASCII without spaces")
	}
	return nil
}
