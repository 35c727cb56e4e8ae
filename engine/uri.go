package engine

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// unsafeSchemes lists schemes whose URIs run or show their own content, or open local files. Every URI member refuses
// them.
var unsafeSchemes = [...]string{"javascript", "data", "vbscript", "file", "blob", "about"}

// A uriRule says which URIs a member may hold. All rules require an absolute URI with a safe scheme.
type uriRule struct {
	code     Code     // of refusals
	schemes  []string // allowed ones; nil means every safe scheme
	fragment bool     // whether a fragment is allowed
}

var (
	webPage   = uriRule{code: InvalidClientMetadata, schemes: []string{"https", "http"}}
	httpsOnly = uriRule{code: InvalidClientMetadata, schemes: []string{"https"}}
	anyURI    = uriRule{code: InvalidClientMetadata}
)

// check parses the URI of a member. The error is an *[Error].
func (rule uriRule) check(member, s string) (*url.URL, error) {
	u, problem := rule.read(s)
	if problem != "" {
		return nil, RefuseAs(rule.code, "%s %s", member, problem)
	}
	return u, nil
}

// checkElement parses the URI in an element of a list. The error is an *[Error].
func (rule uriRule) checkElement(member string, i int, s string) (*url.URL, error) {
	u, problem := rule.read(s)
	if problem != "" {
		return nil, RefuseAs(rule.code, "%s[%d] %s", member, i, problem)
	}
	return u, nil
}

// read parses a URI, or returns what is wrong with it, in words that follow the member's name in a sentence.
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
		return nil, "is not a valid URI"
	case u.Scheme == "":
		return nil, "is relative: it must be an absolute URI, such as https://app.example/path"
	case slices.Contains(unsafeSchemes[:], u.Scheme):
		return nil, fmt.Sprintf("has the scheme '%s', which is never safe", u.Scheme)
	case rule.schemes != nil && !slices.Contains(rule.schemes, u.Scheme):
		return nil, fmt.Sprintf("must be an %s URI", strings.Join(rule.schemes, " or "))
	case u.User != nil:
		return nil, "holds user information: leave out the part before the @"
	case !rule.fragment && strings.Contains(s, "#"):
		return nil, "has a fragment: leave out the # and what follows"
	case isHTTP(u) && u.Hostname() == "":
		return nil, "has no host"
	case !validPort(u.Port()):
		return nil, "has a port above 65535"
	}
	return u, ""
}

// notURI returns the index of the first character that RFC 3986 §2 does not allow in a URI, or -1.
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

// isLoopback reports whether u is on one of the three loopback hosts of RFC 8252 §7.3 and §8.3. Unlike
// netrule.IsLoopback, it does not accept other loopback addresses, which clients must not redirect to.
func isLoopback(u *url.URL) bool {
	switch strings.ToLower(u.Hostname()) {
	case "localhost", "127.0.0.1", "::1":
		return true
	}
	return false
}
