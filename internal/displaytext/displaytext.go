// Package displaytext judges strings that clients send and people read, such as the name of a client on a consent page.
// It refuses characters that make a text look like another one: controls, changes of direction, and what is invisible.
package displaytext

import (
	"fmt"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/rangetable"
)

// Problem returns what is wrong with a text that people read, in words that follow the name of the text in a sentence;
// "" means nothing. Positions are in bytes of UTF-8, from 0. A text may hold any character of Unicode but
//
//   - controls, and the separators of lines and paragraphs;
//   - what embeds, overrides or isolates the direction of text: the marks U+200E, U+200F and U+061C, which Hebrew and
//     Arabic names need, are allowed;
//   - other characters that are ignorable in display (Default_Ignorable_Code_Point in Unicode), except joiners where
//     RFC 5892 appendix A.1 and A.2 allow them, and parts of emoji.
//
// It must show something.
func Problem(s string) string {
	visible := false
	for i := range len(s) {
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			return problemFrom(s, max(i-1, 0), visible) // the character before may be the base of a keycap
		case isControl(c):
			return controlAt(rune(c), i)
		case c > ' ':
			visible = true
		}
	}
	if !visible {
		return nothingVisible
	}
	return ""
}

// Control returns where a string that programs read holds a control character (the general category Cc of Unicode), in
// words like those of [Problem]; "" means that it holds none.
func Control(s string) string {
	for i := range len(s) {
		switch c := s[i]; {
		case isControl(c):
			return controlAt(rune(c), i)
		case c == 0xc2 && i+1 < len(s) && s[i+1] < 0xa0: // U+0080 to U+009F
			return controlAt(rune(s[i+1]), i)
		}
	}
	return ""
}

// isControl reports whether an ASCII character is a control character.
func isControl(c byte) bool { return c < ' ' || c == 0x7f }

func controlAt(c rune, at int) string {
	return fmt.Sprintf("holds the control character %U at byte %d: leave it out", c, at)
}

const nothingVisible = "shows nothing: use letters, digits or symbols"

// problemFrom is Problem for the rest of a text from a byte on. visible says whether the text before shows something.
func problemFrom(s string, at int, visible bool) string {
	joints := joints{follow: strings.Contains(s[at:], nonJoiner)}
	before := at // beginning of the character before
	for at < len(s) {
		c, size := utf8.DecodeRuneInString(s[at:])
		if n := emojiSequence(s[at:], c, size); n > 0 {
			size = n
		} else if problem := problemAt(c, size, at); problem != "" {
			return problem
		}
		if !joints.pass(c, at, isJoiner(c) && isVirama(s[before:at])) {
			return joints.problem()
		}
		visible = visible || !isBlank(c)
		before, at = at, at+size
	}
	switch {
	case joints.open():
		return joints.problem()
	case !visible:
		return nothingVisible
	}
	return ""
}

// problemAt returns what is wrong with a character, joiners aside, which depend on their neighbours.
func problemAt(c rune, size, at int) string {
	switch {
	case c == utf8.RuneError && size == 1:
		return fmt.Sprintf("is not UTF-8 at byte %d", at)
	case unicode.IsControl(c):
		return controlAt(c, at)
	case c == '\u2028' || c == '\u2029':
		return fmt.Sprintf("holds the line or paragraph separator %U at byte %d: leave it out", c, at)
	case !unicode.Is(ignorable(), c), isJoiner(c), isMark(c):
		return ""
	case c >= '\u202a' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069':
		return fmt.Sprintf("holds %U at byte %d, which embeds, overrides or isolates the direction of text: leave it "+
			"out, or use the marks U+200E, U+200F and U+061C", c, at)
	}
	return fmt.Sprintf("holds %U at byte %d, which is invisible there: leave it out", c, at)
}

// isMark reports whether c is LRM, RLM or ALM, the implicit marks of direction of UAX #9 §2.6.
func isMark(c rune) bool { return c == '\u200e' || c == '\u200f' || c == '\u061c' }

// isBlank reports whether c shows nothing.
func isBlank(c rune) bool {
	switch {
	case c == '\u2800' || c == '\U0001d159': // BRAILLE PATTERN BLANK, MUSICAL SYMBOL NULL NOTEHEAD
		return true
	case unicode.Is(unicode.Cf, c):
		return !unicode.Is(unicode.Prepended_Concatenation_Mark, c) // such as ARABIC NUMBER SIGN
	}
	return unicode.IsSpace(c) || unicode.Is(ignorable(), c)
}

// ignorable returns the characters with the property Default_Ignorable_Code_Point, derived as in Unicode's
// DerivedCoreProperties.txt:
//
//	Other_Default_Ignorable_Code_Point + Cf + Variation_Selector - White_Space - FFF9..FFFB - 13430..13440
//	- Prepended_Concatenation_Mark
var ignorable = sync.OnceValue(func() *unicode.RangeTable {
	var list []rune
	for _, t := range []*unicode.RangeTable{unicode.Other_Default_Ignorable_Code_Point, unicode.Cf,
		unicode.Variation_Selector} {
		rangetable.Visit(t, func(c rune) {
			switch {
			case unicode.Is(unicode.White_Space, c), unicode.Is(unicode.Prepended_Concatenation_Mark, c):
			case c >= '\ufff9' && c <= '\ufffb', c >= '\U00013430' && c <= '\U00013440':
			default:
				list = append(list, c)
			}
		})
	}
	return rangetable.New(list...)
})
