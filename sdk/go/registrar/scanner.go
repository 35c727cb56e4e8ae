package registrar

// A scanner iterates over the members of an object or the elements of a list. It does not recurse, however deeply they
// nest.
type scanner struct {
	text string
	at   int
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// take skips white space and then c, if c is next. It reports whether it was.
func (s *scanner) take(c byte) bool {
	for s.at < len(s.text) && isSpace(s.text[s.at]) {
		s.at++
	}
	if s.at == len(s.text) || s.text[s.at] != c {
		return false
	}
	s.at++
	return true
}

// open enters an object or a list.
func (s *scanner) open(bracket byte) bool { return s.take(bracket) }

// more reports whether another element follows, and skips the comma before it.
func (s *scanner) more(end byte) bool {
	if s.take(end) {
		return false
	}
	s.take(',')
	return s.at < len(s.text)
}

// next returns the next value and skips it.
func (s *scanner) next() Value {
	for s.at < len(s.text) && isSpace(s.text[s.at]) {
		s.at++
	}
	from, depth := s.at, 0
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case '"':
			s.skipString()
			if depth == 0 {
				return Value(s.text[from:s.at])
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // the end of the enclosing value
				return Value(s.text[from:s.at])
			}
			if depth--; depth == 0 {
				s.at++
				return Value(s.text[from:s.at])
			}
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return Value(s.text[from:s.at])
			}
		}
		s.at++
	}
	return Value(s.text[from:])
}

// skipString skips the string that begins here, or the rest of the text if it does not end.
func (s *scanner) skipString() {
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return
		}
	}
	s.at = len(s.text)
}
