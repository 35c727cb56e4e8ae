package displaytext

import (
	"fmt"
	"sync"
	"unicode"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/unicode/rangetable"
)

const (
	nonJoiner = "\u200c" // ZERO WIDTH NON-JOINER
	joiner    = "\u200d" // ZERO WIDTH JOINER
)

func isJoiner(c rune) bool { return c == '\u200c' || c == '\u200d' }

// isVirama reports whether s is a character of the combining class Virama, after which RFC 5892 appendix A.1 and A.2
// allow both joiners.
func isVirama(s string) bool { return s != "" && norm.NFC.PropertiesString(s).CCC() == 9 }

// joints applies the regular expression of RFC 5892 appendix A.1 to the characters of a text: a non-joiner separates
// letters that would join.
//
//	(Joining_Type:{L,D})(Joining_Type:T)*\u200C(Joining_Type:T)*(Joining_Type:{R,D})
type joints struct {
	follow bool // the text holds a non-joiner, so that joining types matter
	left   bool // the last character that is not transparent joins to the next one
	wrong  rune // the joiner that is out of place, or may be: see at
	at     int  // byte offset of wrong
	wait   bool // wrong is a non-joiner, and right if the next character that is not transparent joins to its left
}

// pass reports whether c may come next. virama says whether a virama precedes it.
func (j *joints) pass(c rune, at int, virama bool) bool {
	switch {
	case isJoiner(c) && virama && !j.wait:
		j.left = false
		return true
	case c == '\u200c' && j.left:
		j.left, j.wait, j.wrong, j.at = false, true, c, at
		return true
	case isJoiner(c):
		if !j.wait {
			j.wrong, j.at = c, at
		}
		return false
	case !j.follow:
		return true
	}
	t := joiningTypeOf(c)
	if t == transparent {
		return true
	}
	if j.wait && t != dual && t != right {
		return false
	}
	j.wait, j.left = false, t == dual || t == left
	return true
}

// open reports whether the text ended where a non-joiner needs another letter.
func (j *joints) open() bool { return j.wait }

func (j *joints) problem() string {
	return fmt.Sprintf("holds the joiner %U at byte %d, where neither its script nor an emoji needs it: leave it out",
		j.wrong, j.at)
}

// A joiningType is the property Joining_Type of Unicode, as far as RFC 5892 uses it.
type joiningType byte

const (
	nonJoining  joiningType = iota
	transparent             // T
	left                    // L: joins to the letter that follows
	right                   // R: joins to the letter before
	dual                    // D: both
)

func joiningTypeOf(c rune) joiningType {
	if c < '\u0300' || isJoiner(c) {
		return nonJoining // c is before the first mark, or a joiner: RFC 5892 gives these no type
	}
	if t, known := cursive()[c]; known {
		return t
	}
	// Unicode's ArabicShaping.txt: marks and format characters are transparent, except signs before numbers.
	if unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf) &&
		(!unicode.Is(unicode.Prepended_Concatenation_Mark, c) || c == '\u070f') { // SYRIAC ABBREVIATION MARK
		return transparent
	}
	return nonJoining
}

// cursive returns the joining types of the letters of scripts that join them. The standard library has no table of
// them, so cursive asks package precis, which refuses joiners in emoji but knows RFC 5892: is a non-joiner allowed
// between the letter and BEH, which joins on both sides?
var cursive = sync.OnceValue(func() map[rune]joiningType {
	const beh = "\u0628"
	profile := precis.NewFreeform()
	allowed := func(text string) bool {
		_, err := profile.String(text)
		return err == nil
	}
	types := make(map[rune]joiningType)
	for _, script := range []*unicode.RangeTable{unicode.Adlam, unicode.Arabic, unicode.Chorasmian,
		unicode.Hanifi_Rohingya, unicode.Mandaic, unicode.Manichaean, unicode.Mongolian, unicode.Nko,
		unicode.Old_Uyghur,
		unicode.Phags_Pa, unicode.Psalter_Pahlavi, unicode.Sogdian, unicode.Syriac} {
		rangetable.Visit(script, func(c rune) {
			joinsNext, joinsPrevious := allowed(string(c)+nonJoiner+beh), allowed(beh+nonJoiner+string(c))
			switch {
			case joinsNext && joinsPrevious:
				types[c] = dual
			case joinsNext:
				types[c] = left
			case joinsPrevious:
				types[c] = right
			case allowed(beh + string(c) + nonJoiner + beh):
				types[c] = transparent // such as ADLAM NASALIZATION MARK, a letter
			}
		})
	}
	return types
})
