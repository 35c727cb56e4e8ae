package engine

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"registrar/internal/random"
)

// addClientID gives the client a new ID.
func addClientID(_ context.Context, r *Registration) error {
	if r.engine.options.ClientIDFormat == ClientIDRandom {
		id, err := random.Token(r.engine.random)
		r.Client.ID = id
		return err
	}
	id, err := uuid.NewRandomFromReader(r.engine.random)
	if err != nil {
		return fmt.Errorf("making a client ID: %w", err)
	}
	stampVersion7(&id, r.Now)
	r.Client.ID = id.String()
	return nil
}

// stampVersion7 turns a random UUID into one of version 7: milliseconds since 1970 (RFC 9562 §5.7), then the fraction
// of a millisecond in 12 bits (§6.2, method 3). The uuid package cannot: its version 7 does not take a time.
func stampVersion7(id *uuid.UUID, now time.Time) {
	micros := uint64(now.UnixMicro())
	fraction := micros % 1000 << 12 / 1000
	stamp := micros/1000<<16 | 7<<12 | fraction
	binary.BigEndian.PutUint64(id[:8], stamp)
}

// MaxClientID is the maximum length of a client ID in bytes.
const MaxClientID = 255

// CheckClientID returns an error unless id is a valid client ID: 1 to MaxClientID visible ASCII characters, not "." or
// "..", which URL paths drop, and not beginning with http:// or https://, as metadata document URLs do.
func CheckClientID(id string) error {
	switch {
	case id == "" || len(id) > MaxClientID:
		return fmt.Errorf("the client ID has %d characters: it must have 1 to %d", len(id), MaxClientID)
	case strings.IndexFunc(id, invisible) >= 0:
		return fmt.Errorf("the client ID %q must be visible ASCII without spaces", id)
	case id == "." || id == "..":
		return fmt.Errorf("the client ID must not be %q, which URL paths drop", id)
	case hasPrefixFold(id, "http://") || hasPrefixFold(id, "https://"):
		return fmt.Errorf("the client ID %q begins like a URL: only metadata documents have such IDs", id)
	}
	return nil
}

func invisible(r rune) bool { return r <= ' ' || r >= 0x7f }

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
