package engine

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A cursor reads JSON from left to right. Its methods skip white space first. They return false if something else
// follows than they read, or something that is not valid, or not plain. Strings that they return may be parts of json.
type cursor struct {
	json string
	at   int // the end of what was read
}

// object reads an object that nothing follows. It calls member after the name of each, to read the value. Names may
// repeat.
func (c *cursor) object(member func(name string) bool) bool {
	return c.sequence('{', '}', func() bool {
		name, ok := c.text()
		return ok && c.take(':') && member(name)
	}) && c.peek() == 0 && c.at == len(c.json)
}

// sequence reads elements with commas between them. It calls element to read each of them.
func (c *cursor) sequence(begin, end byte, element func() bool) bool {
	if !c.take(begin) {
		return false
	}
	for first := true; !c.take(end); first = false {
		if !first && !c.take(',') || !element() {
			return false
		}
	}
	return true
}

// peek returns the next byte, or 0 at the end.
func (c *cursor) peek() byte {
	for ; c.at < len(c.json); c.at++ {
		switch b := c.json[c.at]; b {
		case ' ', '\t', '\n', '\r':
		default:
			return b
		}
	}
	return 0
}

// take reads one byte, which is not 0.
func (c *cursor) take(b byte) bool {
	if c.peek() != b {
		return false
	}
	c.at++
	return true
}

// word reads true, false or null.
func (c *cursor) word(word string) bool {
	c.peek()
	if !strings.HasPrefix(c.json[c.at:], word) {
		return false
	}
	c.at += len(word) // no letter can follow: take refuses it
	return true
}

// whole reads a number of 64 bits without fraction and exponent.
func (c *cursor) whole() (int64, bool) {
	c.peek()
	from := c.at
	for c.at < len(c.json) && strings.IndexByte("-0123456789", c.json[c.at]) >= 0 {
		c.at++
	}
	digits := strings.TrimPrefix(c.json[from:c.at], "-")
	if len(digits) > 1 && digits[0] == '0' {
		return 0, false // RFC 8259 §6: leading zeros are not allowed
	}
	n, err := strconv.ParseInt(c.json[from:c.at], 10, 64)
	return n, err == nil
}

// text reads a string.
func (c *cursor) text() (string, bool) {
	if !c.take('"') {
		return "", false
	}
	ascii := true
	for i := c.at; i < len(c.json); i++ {
		switch b := c.json[i]; {
		case b == '"':
			s := c.json[c.at:i]
			c.at = i + 1
			return s, ascii || utf8.ValidString(s)
		case b == '\\':
			return c.escaped()
		case b < ' ':
			return "", false
		case b >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", false
}

// escaped reads the rest of a string.
func (c *cursor) escaped() (string, bool) {
	from := c.at - len(`"`)
	c.at = from + stringSize(c.json[from:])
	s, err := text(jsontext.Value(c.json[from:c.at]))
	return s, err == nil
}

// value reads a value of any type. A name that repeats in an object of it is not valid.
func (c *cursor) value() (jsontext.Value, bool) {
	c.peek()
	from := c.at
	c.at += valueSize(c.json[from:])
	// If this part is one valid value, it is the one that was to be read, wherever else a value could have ended.
	v := jsontext.Value(c.json[from:c.at])
	return v, v.IsValid()
}

// valueSize returns the size of the value with which JSON begins, in bytes. If it is not valid, it may be any size.
func valueSize(json string) int {
	depth := 0
	for i := 0; i < len(json); i++ {
		switch json[i] {
		case '"':
			i += stringSize(json[i:]) - 1
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case ' ', '\t', '\n', '\r', ',':
		default:
			continue // in a number or a word
		}
		if depth <= 0 {
			return i
		}
	}
	return len(json)
}

// stringSize returns the size of the string with which JSON begins, in bytes, or all of it if the string has no end.
func stringSize(json string) int {
	for i := 1; ; i++ {
		quote := strings.IndexByte(json[i:], '"')
		if quote < 0 {
			return len(json)
		}
		i += quote
		escapes := 0
		for json[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 { // they escape each other, and not the quotation mark
			return i + 1
		}
	}
}
