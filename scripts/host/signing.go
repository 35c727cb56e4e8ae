package host

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jedisct1/go-minisign"

	"registrar/scripts"
)

// maxSignature bounds a signature with its comments, in bytes.
const maxSignature = 4 << 10

// A SigningKey is a minisign public key that modules may be signed with.
type SigningKey struct{ key minisign.PublicKey }

// ParseSigningKey parses a public key as minisign prints it: the base64 line, optionally preceded by the comment line.
func ParseSigningKey(s string) (SigningKey, error) {
	line := strings.TrimSpace(s)
	if comment, rest, commented := strings.Cut(line, "\n"); commented &&
		strings.HasPrefix(comment, "untrusted comment:") {
		line = strings.TrimSpace(rest)
	}
	key, err := minisign.NewPublicKey(line)
	if err != nil || string(key.SignatureAlgorithm[:]) != "Ed" {
		return SigningKey{}, errors.New("not a minisign public key: a line of 56 characters that begins with RW")
	}
	return SigningKey{key}, nil
}

// ID returns the key's ID as minisign prints it: 16 hex digits.
func (k SigningKey) ID() string { return keyID(k.key.KeyId) }

func keyID(id [8]byte) string { return fmt.Sprintf("%016X", binary.LittleEndian.Uint64(id[:])) }

// checkSignature rejects a module that is not signed by one of the keys. If there are no keys, it rejects only
// malformed signatures.
func (h *Host) checkSignature(wasm []byte, signature string) error {
	keys := h.config.SigningKeys
	if signature == "" {
		if len(keys) == 0 {
			return nil
		}
		return scripts.Reject("the module has no signature: sign it with minisign and the key %s", keyList(keys))
	}
	if len(signature) > maxSignature {
		return scripts.Reject("the signature has %d bytes: at most %d are allowed", len(signature), maxSignature)
	}
	sig, err := minisign.DecodeSignature(signature)
	if err != nil || !utf8.ValidString(signature) {
		return scripts.Reject("the signature is not a minisign signature: give the whole content of the .minisig file")
	}
	if len(keys) == 0 {
		return nil
	}
	known := false
	for _, k := range keys {
		if k.key.KeyId != sig.KeyId {
			continue
		}
		known = true
		// Several keys may have the same ID: it is random, and not signed.
		if good, err := k.key.Verify(wasm, sig); good && err == nil {
			return nil
		}
	}
	if !known {
		return scripts.Reject("the signature is by the key %s, which this server does not know: it must be by %s",
			keyID(sig.KeyId), keyList(keys))
	}
	return scripts.Reject("the signature by the key %s does not match the module, or was changed", keyID(sig.KeyId))
}

func keyList(keys []SigningKey) string {
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.ID()
	}
	return strings.Join(ids, " or ")
}

// checkStored rejects a stored module that is not signed by one of the keys. The database is trusted no more than an
// upload.
func (h *Host) checkStored(ctx context.Context, digest string, wasm []byte) error {
	if len(h.config.SigningKeys) == 0 {
		return nil
	}
	signature, err := h.config.Signature(ctx, digest)
	if err != nil {
		return fmt.Errorf("reading the signature of the module %s: %w", digest, err)
	}
	return h.checkSignature(wasm, signature)
}
