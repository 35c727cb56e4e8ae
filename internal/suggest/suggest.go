// Package suggest finds the known name that was probably meant by a misspelt one.
package suggest

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// maxLength bounds the names for which another one is looked for, in bytes. No known name has half of it.
const maxLength = 64

// How many bytes of a misspelt name allow one edit.
const (
	Strict  = 5 // for names of functions, of which many are alike
	Lenient = 3
)

// Nearest returns the known name that is the fewest edits away from name, "" where none is near enough. One edit is
// allowed for each perEdit bytes of name, and at least one. Case and underscores do not count, since some languages
// export names in their own way.
func Nearest(name string, known []string, perEdit int) string {
	if len(name) > maxLength {
		return ""
	}
	found, least := "", max(len(name)/perEdit, 1)+1
	for _, candidate := range known {
		a, b := bare(name), bare(candidate)
		if len(a)-len(b) >= least || len(b)-len(a) >= least {
			continue
		}
		if d := levenshtein.ComputeDistance(a, b); d < least {
			found, least = candidate, d
		}
	}
	return found
}

func bare(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// DidYouMean asks for the nearest name, as [Strict] has it: ": did you mean x?", "" where none is near.
func DidYouMean(name string, known []string) string {
	if nearest := Nearest(name, known, Strict); nearest != "" {
		return fmt.Sprintf(": did you mean %s?", nearest)
	}
	return ""
}
