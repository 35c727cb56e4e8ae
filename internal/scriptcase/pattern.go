package scriptcase

import (
	"fmt"
	"regexp"

	"github.com/go-json-experiment/json"
)

// A pattern is a regular expression in the syntax of package regexp that a whole string must match.
type pattern struct {
	text  string // as the case has it
	whole *regexp.Regexp
}

// UnmarshalText compiles the expression.
func (p *pattern) UnmarshalText(text []byte) error {
	if _, err := regexp.Compile(string(text)); err != nil { // by itself, since ")(" is valid within the group below
		return fmt.Errorf("the pattern: %w", err)
	}
	p.text, p.whole = string(text), regexp.MustCompile(`\A(?:`+string(text)+`)\z`)
	return nil
}

// MarshalText returns the expression as the case has it.
func (p *pattern) MarshalText() ([]byte, error) { return []byte(p.text), nil }

// matches reports whether a JSON value matches: a string by its text, another value by its JSON.
func (p *pattern) matches(value any) bool {
	text, isString := value.(string)
	if !isString {
		b, err := json.Marshal(value, json.Deterministic(true))
		if err != nil {
			return false
		}
		text = string(b)
	}
	return p.whole.MatchString(text)
}
