package token

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
)

func TestNew(t *testing.T) {
	got, hash, err := New(bytes.NewReader(make([]byte, 32)))
	if err != nil || got != strings.Repeat("A", 43) || hash != sha256.Sum256([]byte(got)) {
		t.Errorf("got %q with the hash %x and %v", got, hash, err)
	}
	if got, _, err := New(strings.NewReader("")); err == nil || got != "" {
		t.Errorf("without random bytes: got %q and %v, want an error", got, err)
	}
}
