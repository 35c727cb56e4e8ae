package token

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"registrar/internal/displaytext"
	"registrar/internal/secretfile"
)

const (
	// AdminVariable is the environment variable that holds the admin token. The token is never an argument.
	AdminVariable = "REGISTRAR_ADMIN_TOKEN"
	// AdminFile is the name of the file to which a server's first start writes the admin token.
	AdminFile = "registrar.token"

	// DefaultAdminLifetime is how long an admin token is valid unless its creator says otherwise.
	DefaultAdminLifetime = 90 * 24 * time.Hour

	minAdmin = 32  // characters of an admin token at least
	maxLabel = 255 // characters
)

// An Admin is an admin token as the database stores it: a hash. The token itself is not stored.
type Admin struct {
	ID        string            // 1 to 64 bytes
	Hash      [sha256.Size]byte // see [Admin.HashOf]
	Label     string            // 1 to 255 characters; no other token has it, spaces at the end aside
	Roles     []Role            // none means that the token allows nothing
	CreatedAt time.Time         // UTC, in whole microseconds
	CreatedBy string            // the administrator who created it; "" means the server itself
	ExpiresAt time.Time         // UTC, in whole microseconds; zero means never
	UsedAt    time.Time         // last use, to the minute; zero means none
}

// Unlimited reports whether t allows everything for ever, as each admin token did before there were roles.
func (t *Admin) Unlimited() bool { return slices.Contains(t.Roles, RoleAdmin) && t.ExpiresAt.IsZero() }

// Expired reports whether t is no longer valid at now.
func (t *Admin) Expired(now time.Time) bool { return !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) }

// HashOf returns the hash by which t is stored if its token is secret: the SHA-256 of the token if t is Unlimited, else
// another one, since a program before roles accepts each token whose SHA-256 is stored.
func (t *Admin) HashOf(secret string) [sha256.Size]byte {
	if t.Unlimited() {
		return Hash(secret)
	}
	return limitedHash(Hash(secret))
}

// limitedHash returns the hash of a token that is not Unlimited, from its SHA-256.
func limitedHash(hash [sha256.Size]byte) [sha256.Size]byte {
	return sha256.Sum256(append([]byte("registrar limited admin token\x00"), hash[:]...))
}

var (
	// ErrLabel reports that another admin token has the label.
	ErrLabel = errors.New("another admin token has this label")
	// ErrTooMany reports that there are as many admin tokens as are allowed.
	ErrTooMany = errors.New("there are 1,000 admin tokens already: revoke some first")
	// ErrLast reports that no other token has the role admin.
	ErrLast = errors.New("it is the last token with the role admin")
)

// An AdminStore keeps admin tokens.
type AdminStore interface {
	// AddAdminToken stores t durably and returns true, or false if another token has its ID. It returns [ErrLabel] if
	// another one has its label, and [ErrTooMany] if there is no room.
	AddAdminToken(ctx context.Context, t Admin) (bool, error)
	// AdminTokens returns every token, the oldest first.
	AdminTokens(ctx context.Context) ([]Admin, error)
	// DeleteAdminToken removes a token, or returns [engine.ErrNotFound].
	DeleteAdminToken(ctx context.Context, id string) error
	// DeleteAdminTokenButLast also returns [ErrLast], if at now no other token has the role admin.
	DeleteAdminTokenButLast(ctx context.Context, id string, now time.Time) error
	// UseAdminToken notes the use of a token, unless a use less than every before it is noted, or a later one.
	UseAdminToken(ctx context.Context, id string, at time.Time, every time.Duration) error
}

// CheckLabel returns an error unless a label has 1 to 255 characters that people can read.
func CheckLabel(label string) error {
	if n := utf8.RuneCountInString(label); n < 1 || n > maxLabel {
		return fmt.Errorf("label has %d characters: it must have 1 to %d", n, maxLabel)
	}
	if problem := displaytext.Problem(label); problem != "" {
		return fmt.Errorf("label %s", problem)
	}
	return nil
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
