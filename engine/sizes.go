package engine

import (
	"bytes"
	"iter"
)

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

// maxDepth is how deep objects and lists may nest. Real metadata needs only a few levels; the time to merge a patch
// grows with the square of the depth.
const maxDepth = 100

// tooDeep reports whether JSON nests deeper than maxDepth. It does not detect invalid JSON.
func tooDeep(b []byte) bool {
	if bytes.Count(b, []byte{'{'})+bytes.Count(b, []byte{'['}) <= maxDepth {
		return false
	}
	depth := 0
	for c := range outsideStrings(b) {
		switch c {
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

// tooManyMembers reports whether an object has more than most members, nested ones excluded. It does not detect invalid
// JSON.
func tooManyMembers(object []byte, most int) bool {
	if bytes.Count(object, []byte{':'}) <= most {
		return false
	}
	depth, members := 0, 1
	for c := range outsideStrings(object) {
		switch {
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

// outsideStrings returns the bytes of JSON that are not in a string.
func outsideStrings(b []byte) iter.Seq[byte] {
	return func(yield func(byte) bool) {
		quoted, escaped := false, false
		for _, c := range b {
			switch {
			case escaped:
				escaped = false
			case quoted:
				escaped, quoted = c == '\\', c != '"'
			case c == '"':
				quoted = true
			case !yield(c):
				return
			}
		}
	}
}
