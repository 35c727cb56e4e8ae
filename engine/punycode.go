package engine

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// browserNames converts host names as browsers do (WHATWG URL, "domain to ASCII").
var browserNames = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false),
	idna.CheckHyphens(false))

// punycodeHint tells a client with a host name outside ASCII how to write it.
func punycodeHint(name string) string {
	const problem = "has a host outside ASCII: use punycode"
	if len(name) > maxName {
		return problem // the time to convert a long label is not linear
	}
	written, err := browserNames.ToASCII(name)
	if err != nil || written == "" || hostProblem(written, true) != "" {
		return problem
	}
	return problem + ", which is " + written
}

// isPunycode reports whether a label has the prefix of RFC 5890 §2.3.2.5.
func isPunycode(label string) bool {
	return len(label) >= 4 && label[0]|0x20 == 'x' && label[1]|0x20 == 'n' && label[2:4] == "--"
}

// validPunycode reports whether a label, without its prefix, decodes to characters that domain names may have: visible
// ones, not in upper case, and at least one outside ASCII. Browsers check more; names that they refuse lead nowhere.
// Package idna would allocate and take ten times as long, too long for a request that holds thousands of labels.
func validPunycode(encoded string) bool {
	var buffer [maxLabel]rune
	runes, ok := decodePunycode(encoded, buffer[:0])
	outside := false
	for _, r := range runes {
		if r < utf8.RuneSelf {
			continue
		}
		outside = true
		// Unlike other scripts, Cherokee is written in upper case in domain names.
		lower := unicode.ToLower(r) == r || unicode.Is(unicode.Cherokee, r)
		joiner := r == '\u200c' || r == '\u200d'
		if !joiner && (!unicode.IsGraphic(r) || unicode.IsSpace(r) || !lower) {
			return false
		}
	}
	return ok && outside
}

// decodePunycode decodes encoded, and appends its characters to runes (RFC 3492 §6.2).
func decodePunycode(encoded string, runes []rune) (_ []rune, ok bool) {
	const base, tmin, tmax, initialBias, initialN = 36, 1, 26, 72, 128
	digits := strings.LastIndexByte(encoded, '-') + 1
	if digits == 1 {
		return nil, false // an empty prefix is written without a hyphen
	}
	for i := range digits - 1 {
		runes = append(runes, rune(encoded[i]))
	}
	n, i, bias := initialN, 0, initialBias
	for digits < len(encoded) {
		before, weight := i, 1
		for k := base; ; k += base {
			if digits == len(encoded) {
				return nil, false
			}
			digit := punycodeDigit(encoded[digits])
			digits++
			i += digit * weight
			threshold := min(max(k-bias, tmin), tmax)
			if digit < threshold {
				break
			}
			weight *= base - threshold
			if digit >= base || i > math.MaxInt32 || weight > math.MaxInt32 {
				return nil, false
			}
		}
		length := len(runes) + 1
		bias = adaptBias(i-before, length, before == 0)
		n += i / length
		i %= length
		if !utf8.ValidRune(rune(min(n, math.MaxInt32))) {
			return nil, false
		}
		runes = slices.Insert(runes, i, rune(n))
		i++
	}
	return runes, true
}

// punycodeDigit returns the value of a digit, or 36 if c is none.
func punycodeDigit(c byte) int {
	switch {
	case isLetter(c):
		return int(c | 0x20 - 'a')
	case isDigit(c):
		return int(c-'0') + 26
	}
	return 36
}

// adaptBias is RFC 3492 §6.1.
func adaptBias(delta, length int, first bool) int {
	const base, tmin, tmax, skew, damp = 36, 1, 26, 38, 700
	if first {
		delta /= damp
	} else {
		delta /= 2
	}
	delta += delta / length
	k := 0
	for ; delta > (base-tmin)*tmax/2; k += base {
		delta /= base - tmin
	}
	return k + (base-tmin+1)*delta/(delta+skew)
}
