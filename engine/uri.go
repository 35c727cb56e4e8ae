package engine

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// unsafeSchemes run or show what the URI itself holds, or what lies on the user's machine. They are refused in every
// URI member.
var unsafeSchemes = [...]string{"javascript", "data", "vbscript", "file", "blob", "about"}

// A uriRule says what a URI member may hold beyond being an absolute URI of a safe scheme.
type uriRule struct {
	code     Code
	schemes  []string // nil means every safe scheme
	fragment bool     // whether a fragment may stand there
}

var (
	webPage   = uriRule{code: InvalidClientMetadata, schemes: []string{"https", "http"}}
	httpsOnly = uriRule{code: InvalidClientMetadata, schemes: []string{"https"}}
	anyURI    = uriRule{code: InvalidClientMetadata}
)

// check reads the URI in the member of that name. The error says what would be right.
func (rule uriRule) check(member, s string) (*url.URL, error) {
	u, problem := rule.read(s)
	if problem != "" {
		return nil, RefuseAs(rule.code, "%s %s", member, problem)
	}
	return u, nil
}

// checkElement reads the URI in an element of a list.
func (rule uriRule) checkElement(member string, i int, s string) (*url.URL, error) {
	u, problem := rule.read(s)
	if problem != "" {
		return nil, RefuseAs(rule.code, "%s[%d] %s", member, i, problem)
	}
	return u, nil
}

// read reads a URI, or returns what is wrong with it, which continues a sentence that begins with the member's name.
func (rule uriRule) read(s string) (u *url.URL, problem string) {
	if i := notURI(s); i >= 0 {
		return nil, fmt.Sprintf("holds %s at byte %d: percent-encode what RFC 3986 does not allow", charName(s[i]), i)
	}
	if !wellEscaped(s) {
		return nil, "holds a percent sign without two hexadecimal digits after it"
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, "is no URI"
	case u.Scheme == "":
		return nil, "is relative: it must be an absolute URI, such as https://app.example/path"
	case slices.Contains(unsafeSchemes[:], u.Scheme):
		return nil, fmt.Sprintf("has the scheme '%s', which is never safe", u.Scheme)
	case rule.schemes != nil && !slices.Contains(rule.schemes, u.Scheme):
		return nil, fmt.Sprintf("must be an %s URI", strings.Join(rule.schemes, " or "))
	case u.User != nil:
		return nil, "holds user information: leave out what stands before the @"
	case !rule.fragment && strings.Contains(s, "#"):
		return nil, "has a fragment: leave out the # and what follows"
	case isHTTP(u) && u.Hostname() == "":
		return nil, "has no host"
	case !validPort(u.Port()):
		return nil, "has a port above 65535"
	}
	return u, ""
}

// notURI returns where the first character stands that no URI may hold (RFC 3986 §2), -1 where there is none.
func notURI(s string) int {
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ', c >= 0x7f,
			c == '"', c == '<', c == '>', c == '\\', c == '^', c == '`', c == '{', c == '|', c == '}':
			return i
		}
	}
	return -1
}

func charName(c byte) string {
	switch {
	case c == ' ':
		return "a space"
	case c < ' ' || c == 0x7f:
		return "a control character"
	case c > 0x7f:
		return "a character outside ASCII"
	case c == '"':
		return "a quotation mark"
	case c == '\\':
		return "a backslash"
	}
	return "'" + string(rune(c)) + "'"
}

func wellEscaped(s string) bool {
	for {
		_, after, found := strings.Cut(s, "%")
		if !found {
			return true
		}
		if len(after) < 2 || !isHex(after[0]) || !isHex(after[1]) {
			return false
		}
		s = after
	}
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func validPort(port string) bool {
	if port == "" {
		return true
	}
	_, err := strconv.ParseUint(port, 10, 16)
	return err == nil
}

func isHTTP(u *url.URL) bool { return u.Scheme == "http" || u.Scheme == "https" }

// isLoopback reports whether u is on one of the three hosts of RFC 8252 §7.3 and §8.3. Other loopback addresses, which
// netrule.IsLoopback knows, are not redirected to.
func isLoopback(u *url.URL) bool {
	switch strings.ToLower(u.Hostname()) {
	case "localhost", "127.0.0.1", "::1":
		return true
	}
	return false
}
