// Package suggest finds the known name that a misspelt one probably means.
package suggest

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// maxLength bounds the names that Nearest compares, in bytes. Known names have less than half of it.
const maxLength = 64

// How many bytes of a misspelt name allow one edit.
const (
	Strict  = 5 // for names of functions, of which many are alike
	Lenient = 3
)

// Nearest returns the known name that is the fewest edits away from name, "" if none is near enough. It allows one edit
// for each perEdit bytes of name, and at least one. Case and underscores do not count, since languages export names in
// their own styles.
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

// bare returns name without case and underscores.
func bare(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// DidYouMean asks for the nearest name, as [Strict] has it: ": did you mean x?", "" where none is near.
func DidYouMean(name string, known []string) string {
	if nearest := Nearest(name, known, Strict); nearest != "" {
		return fmt.Sprintf(": did you mean %s?", nearest)
	}
	return ""
}
