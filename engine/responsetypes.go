package engine

import (
	"slices"
	"strings"
)

// maxResponseWords bounds the names in a response type. RFC 6749 and OpenID Connect have at most three.
const maxResponseWords = 16

// isResponseType reports whether s is a response-type of RFC 6749 appendix A.3, names separated by single spaces
// (%x20), without repeated names.
func isResponseType(s string) bool {
	name, rest, more := strings.Cut(s, " ")
	for range maxResponseWords {
		if name == "" || strings.IndexFunc(name, notInResponseName) >= 0 || hasWord(rest, name) {
			return false
		}
		if !more {
			return true
		}
		name, rest, more = strings.Cut(rest, " ")
	}
	return false
}

// notInResponseName reports whether c is outside response-char of RFC 6749 appendix A.3.
func notInResponseName(c rune) bool {
	return c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
}

// sameWords reports whether two response types have the same names, in any order (RFC 6749 §8.4). One of them must be a
// response type; the other one may be any string.
func sameWords(a, b string) bool {
	if a == b {
		return true
	}
	if len(a) != len(b) || strings.Count(a, " ") != strings.Count(b, " ") {
		return false
	}
	// Of equally many words, all of one are among those of the other, and none repeats in one of them.
	return wordsIn(a, b) && wordsIn(b, a)
}

// wordsIn reports whether b has every word of a.
func wordsIn(a, b string) bool {
	for word, rest, more := "", a, true; more; {
		if word, rest, more = strings.Cut(rest, " "); !hasWord(b, word) {
			return false
		}
	}
	return true
}

// hasWord reports whether s, words separated by spaces (%x20), has a word.
func hasWord(s, word string) bool {
	for w, rest, more := "", s, true; more; {
		if w, rest, more = strings.Cut(rest, " "); w == word {
			return true
		}
	}
	return false
}

// spelled returns response types with their names in the order in which the server lists them, so that clients are
// registered with what was compared. A type that the server does not list stays as it is.
func (r *Registration) spelled(responses []string) []string {
	i := slices.IndexFunc(responses, func(s string) bool { return r.spelling(s) != s })
	if i < 0 {
		return responses
	}
	list := slices.Clone(responses)
	for ; i < len(list); i++ {
		list[i] = r.spelling(list[i])
	}
	return list
}

// spelling returns a response type as the operator's list has it, or else as the discovery document has it.
func (r *Registration) spelling(response string) string {
	for _, list := range [...][]string{r.engine.options.AllowedResponseTypes, r.advertised[responseTypesSupported]} {
		for _, listed := range list {
			if sameWords(listed, response) {
				return listed
			}
		}
	}
	return response
}
