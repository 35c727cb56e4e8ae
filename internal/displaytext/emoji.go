package displaytext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	textStyle   = "\ufe0e" // VARIATION SELECTOR-15
	emojiStyle  = "\ufe0f" // VARIATION SELECTOR-16
	keycapFrame = "\u20e3" // COMBINING ENCLOSING KEYCAP
	blackFlag   = '\U0001f3f4'
)

// flags lists the tags that make WAVING BLACK FLAG the flag of England, Scotland or Wales: the only tag sequences that
// Unicode recommends for general interchange. Other tags could hide any text.
var flags = [...]string{tags("gbeng"), tags("gbsct"), tags("gbwls")}

// tags returns a region as tag characters, and CANCEL TAG (UTS #51 annex C).
func tags(region string) string {
	return strings.Map(func(c rune) rune { return c + 0xe0000 }, region) + "\U000e007f"
}

// emojiSequence returns the length of the emoji sequence (UTS #51 §1.4) with which s begins, in bytes; 0 if it begins
// with none, or with a single character. c is the first character of s, and size its length.
func emojiSequence(s string, c rune, size int) int {
	rest := s[size:]
	switch {
	case c >= '0' && c <= '9' || c == '#' || c == '*':
		if strings.HasPrefix(rest, emojiStyle+keycapFrame) || strings.HasPrefix(rest, textStyle+keycapFrame) {
			return size + len(emojiStyle+keycapFrame)
		}
		return 0
	case c < utf8.RuneSelf:
		return 0
	case c == blackFlag:
		for _, flag := range flags {
			if strings.HasPrefix(rest, flag) {
				return size + len(flag)
			}
		}
	}
	if !strings.HasPrefix(rest, joiner) && !strings.HasPrefix(rest, emojiStyle) &&
		!strings.HasPrefix(rest, textStyle) &&
		!beginsWithModifier(rest) {
		return 0
	}
	n, joins := emojiElement(s)
	for joins && strings.HasPrefix(s[n:], joiner) {
		next, again := emojiElement(s[n+len(joiner):])
		if next == 0 {
			break
		}
		n, joins = n+len(joiner)+next, again
	}
	return n
}

// emojiElement returns the length of the pictograph with which s begins, its style and its skin tone included, and
// whether a joiner may follow it; 0 if s does not begin with one.
func emojiElement(s string) (n int, joins bool) {
	c, n := utf8.DecodeRuneInString(s)
	if !unicode.Is(pictographs, c) {
		return 0, false
	}
	if strings.HasPrefix(s[n:], textStyle) {
		return n + len(textStyle), false
	}
	if strings.HasPrefix(s[n:], emojiStyle) {
		n += len(emojiStyle)
	}
	if beginsWithModifier(s[n:]) {
		n += len("\U0001f3fb")
	}
	return n, true
}

// beginsWithModifier reports whether s begins with a skin tone, U+1F3FB to U+1F3FF.
func beginsWithModifier(s string) bool {
	c, _ := utf8.DecodeRuneInString(s)
	return c >= '\U0001f3fb' && c <= '\U0001f3ff'
}

// pictographs holds the characters with the property Extended_Pictographic of Unicode (emoji-data.txt). Ranges that are
// reserved for later emoji are in it.
var pictographs = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00a9, 0x00a9, 1},
		{0x00ae, 0x00ae, 1},
		{0x203c, 0x203c, 1},
		{0x2049, 0x2049, 1},
		{0x2122, 0x2122, 1},
		{0x2139, 0x2139, 1},
		{0x2194, 0x2199, 1},
		{0x21a9, 0x21aa, 1},
		{0x231a, 0x231b, 1},
		{0x2328, 0x2328, 1},
		{0x2388, 0x2388, 1},
		{0x23cf, 0x23cf, 1},
		{0x23e9, 0x23f3, 1},
		{0x23f8, 0x23fa, 1},
		{0x24c2, 0x24c2, 1},
		{0x25aa, 0x25ab, 1},
		{0x25b6, 0x25b6, 1},
		{0x25c0, 0x25c0, 1},
		{0x25fb, 0x25fe, 1},
		{0x2600, 0x2605, 1},
		{0x2607, 0x2612, 1},
		{0x2614, 0x2685, 1},
		{0x2690, 0x2705, 1},
		{0x2708, 0x2712, 1},
		{0x2714, 0x2714, 1},
		{0x2716, 0x2716, 1},
		{0x271d, 0x271d, 1},
		{0x2721, 0x2721, 1},
		{0x2728, 0x2728, 1},
		{0x2733, 0x2734, 1},
		{0x2744, 0x2744, 1},
		{0x2747, 0x2747, 1},
		{0x274c, 0x274c, 1},
		{0x274e, 0x274e, 1},
		{0x2753, 0x2755, 1},
		{0x2757, 0x2757, 1},
		{0x2763, 0x2767, 1},
		{0x2795, 0x2797, 1},
		{0x27a1, 0x27a1, 1},
		{0x27b0, 0x27b0, 1},
		{0x27bf, 0x27bf, 1},
		{0x2934, 0x2935, 1},
		{0x2b05, 0x2b07, 1},
		{0x2b1b, 0x2b1c, 1},
		{0x2b50, 0x2b50, 1},
		{0x2b55, 0x2b55, 1},
		{0x3030, 0x3030, 1},
		{0x303d, 0x303d, 1},
		{0x3297, 0x3297, 1},
		{0x3299, 0x3299, 1},
	},
	R32: []unicode.Range32{
		{0x1f000, 0x1f0ff, 1},
		{0x1f10d, 0x1f10f, 1},
		{0x1f12f, 0x1f12f, 1},
		{0x1f16c, 0x1f171, 1},
		{0x1f17e, 0x1f17f, 1},
		{0x1f18e, 0x1f18e, 1},
		{0x1f191, 0x1f19a, 1},
		{0x1f1ad, 0x1f1e5, 1},
		{0x1f201, 0x1f20f, 1},
		{0x1f21a, 0x1f21a, 1},
		{0x1f22f, 0x1f22f, 1},
		{0x1f232, 0x1f23a, 1},
		{0x1f23c, 0x1f23f, 1},
		{0x1f249, 0x1f3fa, 1},
		{0x1f400, 0x1f53d, 1},
		{0x1f546, 0x1f64f, 1},
		{0x1f680, 0x1f6ff, 1},
		{0x1f774, 0x1f77f, 1},
		{0x1f7d5, 0x1f7ff, 1},
		{0x1f80c, 0x1f80f, 1},
		{0x1f848, 0x1f84f, 1},
		{0x1f85a, 0x1f85f, 1},
		{0x1f888, 0x1f88f, 1},
		{0x1f8ae, 0x1f8ff, 1},
		{0x1f90c, 0x1f93a, 1},
		{0x1f93c, 0x1f945, 1},
		{0x1f947, 0x1faff, 1},
		{0x1fc00, 0x1fffd, 1},
	},
	LatinOffset: 2,
}
