package engine

import (
	"errors"
	"fmt"
	"strings"
)

// A Code says why a registration was refused.
type Code string

// The error codes of RFC 7591 §3.2.2, and two of RFC 6750 §3.1 that are about the caller: invalid_token for one who
// must present another token, insufficient_scope for one who is not allowed to register. The engine itself uses
// neither.
const (
	InvalidRedirectURI          Code = "invalid_redirect_uri"
	InvalidClientMetadata       Code = "invalid_client_metadata"
	InvalidSoftwareStatement    Code = "invalid_software_statement"
	UnapprovedSoftwareStatement Code = "unapproved_software_statement"
	InvalidToken                Code = "invalid_token"
	InsufficientScope           Code = "insufficient_scope"
)

// ParseCode returns s as a Code, or InvalidClientMetadata if s is not one of the codes above.
func ParseCode(s string) Code {
	switch c := Code(s); c {
	case InvalidRedirectURI, InvalidClientMetadata, InvalidSoftwareStatement, UnapprovedSoftwareStatement,
		InvalidToken, InsufficientScope:
		return c
	}
	return InvalidClientMetadata
}

// An Error refuses a registration. Clients read it; every other error is internal and never shown.
type Error struct {
	Code        Code
	Description string // never empty, in the character set of RFC 6749 §5.2, at most 1,000 bytes
}

// Error returns the code and the description.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Description }

// Refuse returns an [Error] with the code invalid_client_metadata.
func Refuse(format string, args ...any) *Error {
	return RefuseAs(InvalidClientMetadata, format, args...)
}

// RefuseAs returns an [Error] with the given code. It replaces characters that RFC 6749 §5.2 does not allow in a
// description.
func RefuseAs(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Description: describable(fmt.Sprintf(format, args...))}
}

const maxDescription = 1000 // bytes

// describable replaces the characters of s that RFC 6749 §5.2 does not allow in an error_description, which is
// %x20-21 / %x23-5B / %x5D-7E, and cuts it to maxDescription.
func describable(s string) string {
	if s == "" {
		return "The registration was refused; no reason was given."
	}
	s = s[:min(len(s), 4*maxDescription)] // no character has more than four bytes
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r == '\\':
			return '/'
		case r == '\n' || r == '\t':
			return ' '
		case r < 0x20 || r > 0x7e:
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), maxDescription)]
}

var (
	// ErrExists reports that another client has the ID.
	ErrExists = errors.New("the client ID is taken")
	// ErrTokenSpent reports that an initial access token has no uses left, or was revoked.
	ErrTokenSpent = errors.New("the initial access token is used up or revoked")
	// ErrUnavailable reports that a part of the server is unreachable or overloaded: the same request may succeed later.
	ErrUnavailable = errors.New("temporarily unavailable")
	// ErrOutcomeUnknown reports that a write other than a registration may have taken effect, although it failed. The
	// error then also matches ErrUnavailable. What is left of a registration that failed is removed.
	ErrOutcomeUnknown = errors.New("the outcome is unknown")
)

// ErrNotFound reports that a client or an initial access token was not found.
var ErrNotFound = errors.New("not found")

// An InvariantError reports that the result of the steps violates an invariant. It is a failure of the scripts that
// acted, or a bug in this program if none did, never the client's fault.
type InvariantError struct {
	Rule    string // what is violated, and how
	Scripts []Act  // the scripts that may have caused it, in the order in which they acted
}

// Error names the rule and the scripts.
func (e *InvariantError) Error() string {
	var s strings.Builder
	s.WriteString("invariant broken: " + e.Rule)
	for i, a := range e.Scripts {
		s.WriteString([]string{"; by script ", ", "}[min(i, 1)])
		fmt.Fprintf(&s, "%s (%s) in %s", a.Script, a.Module, a.Step)
	}
	return s.String()
}
