package cli

import (
	"fmt"
	"os"

	"registrar/scripts/host"
)

// signingFlags are whose modules are taken.
type signingFlags struct {
	ScriptSigningKey []string `placeholder:"KEY" help:"Take and load only modules that this minisign public key has signed: the key itself, or its file. May be given more than once. Unless given, modules need no signature."`
}

// publicKeyLength is how many characters a public key has, the comment of its file apart.
const publicKeyLength = 56

// keys returns the keys.
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
