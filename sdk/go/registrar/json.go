package registrar

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Value is the text of a JSON value, so that string(v) can be passed to encoding/json or put into a patch. The zero
// Value is an absent value. Values from the host are strict JSON: no duplicate members, valid UTF-8. In text that is
// not JSON, such as an item may have, the methods find nothing, or what precedes the error.
type Value string

// IsSet reports whether the value is present and not null. In metadata, null means absent.
func (v Value) IsSet() bool {
	v = v.trim()
	return v != "" && v != "null"
}

// Get returns a member of an object, or of objects in it: v.Get("jwks", "keys"). An absent member is not set.
func (v Value) Get(path ...string) Value {
	for _, name := range path {
		v = v.member(name)
	}
	return v
}

func (v Value) member(name string) Value {
	s := scanner{text: string(v)}
	if !s.open('{') {
		return ""
	}
	for s.more('}') {
		key := s.next()
		if !s.take(':') {
			return ""
		}
		value := s.next()
		if key.names(name) {
			return value
		}
	}
	return ""
}

// names reports whether the text of a member's name, which may have escapes, is this name.
func (v Value) names(name string) bool {
	if len(v) == len(name)+2 && v[0] == '"' && !strings.Contains(name, `\`) {
		return string(v[1:len(v)-1]) == name
	}
	return len(v) > len(name)+2 && v.Text() == name
}

// A Member is a member of an object.
type Member struct {
	Name  string
	Value Value
}

// Members returns the members of an object in order, nil for other values.
func (v Value) Members() []Member {
	s := scanner{text: string(v)}
	if !s.open('{') {
		return nil
	}
	var members []Member
	for s.more('}') {
		key := s.next()
		if !s.take(':') {
			break
		}
		members = append(members, Member{key.Text(), s.next()})
	}
	return members
}

// List returns the elements of a list, nil for other values.
func (v Value) List() []Value {
	s := scanner{text: string(v)}
	if !s.open('[') {
		return nil
	}
	var list []Value
	for s.more(']') {
		element := s.next()
		if element == "" {
			break
		}
		list = append(list, element)
	}
	return list
}

// Strings returns the elements of a list of strings, nil for other values. Elements that are not strings become "".
func (v Value) Strings() []string {
	var list []string
	for _, element := range v.List() {
		list = append(list, element.Text())
	}
	return list
}

// Int returns a number that fits an int64 and is written without fraction and exponent.
func (v Value) Int() (int64, bool) {
	n, err := strconv.ParseInt(string(v.trim()), 10, 64)
	return n, err == nil
}

// Bool reports whether the value is true.
func (v Value) Bool() bool { return v.trim() == "true" }

// Text returns the text of a string, "" for other values.
func (v Value) Text() string {
	v = v.trim()
	if len(v) < 2 || v[0] != '"' || v[len(v)-1] != '"' {
		return ""
	}
	v = v[1 : len(v)-1]
	text := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		if v[i] != '\\' {
			text = append(text, v[i])
			continue
		}
		i++
		switch {
		case i == len(v):
			return ""
		case v[i] == 'u':
			r, used := rune4(string(v[i-1:]))
			text = utf8.AppendRune(text, r)
			i += used - 2
		default:
			text = append(text, unescape(v[i]))
		}
	}
	return string(text)
}

func unescape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// rune4 decodes the \u escape at the beginning of s and returns its length in bytes: twelve for a surrogate pair. Half
// a pair is U+FFFD.
func rune4(s string) (rune, int) {
	high, ok := unit(s)
	if !ok {
		return utf8.RuneError, 2
	}
	if high < 0xd800 || high > 0xdfff {
		return high, 6
	}
	if low, ok := unit(s[6:]); ok && high < 0xdc00 && low >= 0xdc00 && low <= 0xdfff {
		return 0x10000 + (high-0xd800)<<10 + (low - 0xdc00), 12
	}
	return utf8.RuneError, 6
}

func unit(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil
}

func (v Value) trim() Value {
	for v != "" && isSpace(v[0]) {
		v = v[1:]
	}
	for v != "" && isSpace(v[len(v)-1]) {
		v = v[:len(v)-1]
	}
	return v
}

// Quote returns text as a JSON string. Invalid UTF-8 becomes U+FFFD.
func Quote(text string) string {
	const digits = "0123456789abcdef"
	b := append(make([]byte, 0, len(text)+2), '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return string(append(b, '"'))
}

// QuoteStrings returns a JSON list of strings.
func QuoteStrings(list []string) string {
	b := []byte{'['}
	for i, text := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, Quote(text)...)
	}
	return string(append(b, ']'))
}
