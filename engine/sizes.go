package engine

import "bytes"

// The bounds of lists and of language tags. They keep the time of every check small, and are far above what clients
// use. Options.MaxRedirectURIs bounds redirect_uris.
const (
	maxScopes = 500
	maxTags   = 50  // language-tagged forms of one member
	maxTag    = 100 // bytes of a language tag; RFC 5646 §4.4.1 asks for 35
	maxKeys   = 100 // in jwks
	maxList   = 100 // values of any other list

	maxKeyMembers = 50   // members of a key, and of a key set
	maxMembers    = 3000 // members of a request
)

// DefaultMaxRedirectURIs is the number of redirect URIs that a client may have by default.
const DefaultMaxRedirectURIs = 200

// tooMany refuses a list of n values if that is above most.
func tooMany(code Code, member string, n, most int) error {
	if n > most {
		return RefuseAs(code, "%s has %d values: at most %d are allowed", member, n, most)
	}
	return nil
}

// checkScopeCount refuses more than maxScopes scopes, repeated ones included.
func checkScopeCount(scope string) error {
	if len(scope) < 2*maxScopes {
		return nil // without counting
	}
	n := 0
	for i := range len(scope) {
		if scope[i] != ' ' && (i == 0 || scope[i-1] == ' ') {
			n++
		}
	}
	return tooMany(InvalidClientMetadata, "scope", n, maxScopes)
}

// tooManyMembers reports whether an object has more than most members, nested ones excluded. It does not detect invalid
// JSON.
func tooManyMembers(object []byte, most int) bool {
	if bytes.Count(object, []byte{':'}) <= most {
		return false
	}
	depth, members, quoted, escaped := 0, 1, false, false
	for _, c := range object {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped = c == '\\'
			quoted = c != '"'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ',' && depth == 1:
			if members++; members > most {
				return true
			}
		}
	}
	return false
}
