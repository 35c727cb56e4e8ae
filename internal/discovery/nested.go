package discovery

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// elsewhere lists the members that lead clients to register elsewhere, without this server's policy, or that state
// another registration endpoint than the document does: signed_metadata takes precedence over the members beside it
// (RFC 8414 §2.1).
var elsewhere = [...]string{"registration_endpoint", "signed_metadata"}

// leadsElsewhere reports whether a member is one of elsewhere.
func leadsElsewhere(name string) bool { return slices.Contains(elsewhere[:], name) }

// withoutElsewhere returns a value without the members of elsewhere, at any depth, such as the registration_endpoint in
// mtls_endpoint_aliases (RFC 8705 §5).
func withoutElsewhere(value jsontext.Value) (jsontext.Value, error) {
	if k := value.Kind(); k != '{' && k != '[' {
		return value, nil
	}
	var out bytes.Buffer
	from, to := jsontext.NewDecoder(bytes.NewReader(value)), jsontext.NewEncoder(&out)
	for {
		token, err := from.ReadToken()
		if errors.Is(err, io.EOF) {
			return bytes.TrimSpace(out.Bytes()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the discovery document: %w", err)
		}
		// A name is at an odd place of its object.
		within, length := from.StackIndex(from.StackDepth())
		name := within == '{' && length%2 == 1 && token.Kind() == '"'
		if name && leadsElsewhere(token.String()) {
			if err := from.SkipValue(); err != nil {
				return nil, fmt.Errorf("reading the discovery document: %w", err)
			}
			continue
		}
		if err := to.WriteToken(token); err != nil {
			return nil, fmt.Errorf("writing the discovery document: %w", err)
		}
	}
}
