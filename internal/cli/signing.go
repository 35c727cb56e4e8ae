package cli

import (
	"fmt"
	"os"

	"registrar/scripts/host"
)

// signingFlags name the keys that modules must be signed with.
type signingFlags struct {
	ScriptSigningKey []string `placeholder:"KEY" help:"${script_signing_key}"`
}

// publicKeyLength is the length of a public key in characters, without the comment of its file.
const publicKeyLength = 56

// keys parses the keys. What does not parse and does not have the length of a key is read as a file.
func (f *signingFlags) keys() ([]host.SigningKey, error) {
	var keys []host.SigningKey
	for _, given := range f.ScriptSigningKey {
		key, err := host.ParseSigningKey(given)
		if err != nil && len(given) != publicKeyLength {
			key, err = keyFile(given)
		}
		if err != nil {
			return nil, fmt.Errorf("--script-signing-key %s: %w", given, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func keyFile(path string) (host.SigningKey, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return host.SigningKey{}, err
	}
	return host.ParseSigningKey(string(b))
}
