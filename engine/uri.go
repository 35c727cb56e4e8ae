package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"registrar/internal/netrule"
)

// A uriRule says which URIs a member may hold. All rules require an absolute URI (RFC 3986 §4.3) with a safe scheme and
// without user information.
type uriRule struct {
	code     Code     // of refusals
	schemes  []string // allowed ones; nil means http, https and private-use schemes
	named    bool     // the URI is only a name: every safe scheme is allowed
	fragment bool     // whether a fragment is allowed
}

var (
	webPage   = uriRule{code: InvalidClientMetadata, schemes: []string{"https", "http"}}
	httpsOnly = uriRule{code: InvalidClientMetadata, schemes: []string{"https"}}
	anyURI    = uriRule{code: InvalidClientMetadata}
)

// A uri is what the rules read from a URI that they allow. Its strings are parts of it, but for a scheme in upper case.
type uri struct {
	scheme string // in lower case
	host   string // without the brackets of an IP literal; "" means none
	port   string // "" means none
	text   string // all of it
}

// check parses the URI of a member. The error is an *[Error].
func (rule *uriRule) check(member, s string) (uri, error) {
	u, problem := rule.read(s)
	if problem != "" {
		return uri{}, RefuseAs(rule.code, "%s %s", member, problem)
	}
	return u, nil
}

// checkElement parses the URI in an element of a list. The error is an *[Error].
func (rule *uriRule) checkElement(member string, i int, s string) (uri, error) {
	u, problem := rule.read(s)
	if problem != "" {
		return uri{}, RefuseAs(rule.code, "%s[%d] %s", member, i, problem)
	}
	return u, nil
}

// checkAll checks each URI of a list.
func (rule *uriRule) checkAll(member string, list []string) error {
	for i, s := range list {
		if _, err := rule.checkElement(member, i, s); err != nil {
			return err
		}
	}
	return nil
}

// read parses a URI, or returns what is wrong with it, in words that follow the member's name in a sentence. What it
// allows, net/url parses to the same parts.
func (rule *uriRule) read(s string) (u uri, problem string) {
	authority, from := authorityOf(s)
	if problem := characterProblem(s, authority, from); problem != "" {
		return uri{}, problem
	}
	scheme := schemeOf(s)
	if scheme == "" {
		return uri{}, "is relative: it must be an absolute URI, such as https://app.example/path"
	}
	scheme = strings.ToLower(scheme)
	if problem := rule.schemeProblem(scheme, s); problem != "" {
		return uri{}, problem
	}
	host, port, problem := readAuthority(authority, isWeb(scheme))
	if problem != "" {
		return uri{}, problem
	}
	if !rule.fragment && strings.Contains(s, "#") {
		return uri{}, "has a fragment: leave out the # and what follows"
	}
	if strings.HasPrefix(host, "[") {
		host = host[1 : len(host)-1]
	}
	return uri{scheme, host, port, s}, ""
}

// schemeProblem returns why the rule does not allow the scheme of the URI s, or "".
func (rule *uriRule) schemeProblem(scheme, s string) string {
	switch {
	case slices.Contains(unsafeSchemes[:], scheme):
		return fmt.Sprintf("has the scheme '%s', which is never safe", scheme)
	case rule.schemes != nil && !slices.Contains(rule.schemes, scheme):
		return fmt.Sprintf("must be an %s URI", strings.Join(rule.schemes, " or "))
	case rule.schemes != nil || rule.named || isWeb(scheme):
		return ""
	case isOutOfBand(s):
		return "asks to show the authorization code to the user, which is not supported: use a loopback redirect, " +
			"such as http://127.0.0.1/callback (RFC 8252 section 7.3)"
	}
	return privateUseProblem(scheme)
}

// isOutOfBand reports whether a URI is urn:ietf:wg:oauth:2.0:oob or a form of it, such as the one with :auto. No RFC
// defines it; drafts of OAuth 2.0 did.
func isOutOfBand(s string) bool {
	const oob = "urn:ietf:wg:oauth:2.0:oob"
	return len(s) >= len(oob) && strings.EqualFold(s[:len(oob)], oob)
}

// schemeOf returns the scheme of a URI as it is written (RFC 3986 §3.1); "" means that it has none.
func schemeOf(s string) string {
	for i := range len(s) {
		switch c := s[i]; {
		case isLetter(c):
		case i > 0 && (isDigit(c) || c == '+' || c == '-' || c == '.'):
		case c == ':':
			return s[:i]
		default:
			return ""
		}
	}
	return ""
}

// authorityOf returns the authority of a URI (RFC 3986 §3.2) and where it begins in s; "" means that it has none.
func authorityOf(s string) (authority string, from int) {
	from = strings.IndexByte(s, ':') + 1
	if !strings.HasPrefix(s[from:], "//") {
		return "", from
	}
	from += len("//")
	authority = s[from:]
	if end := strings.IndexAny(authority, "/?#"); end >= 0 {
		authority = authority[:end]
	}
	return authority, from
}

// characterProblem returns which character RFC 3986 §2 does not allow in the URI s, or not at its place, or "".
// authority begins at s[from].
func characterProblem(s, authority string, from int) string {
	i := notURI(s, from, from+len(authority))
	if i < 0 {
		if !wellEscaped(s) {
			return "holds a percent sign without two hexadecimal digits after it"
		}
		return ""
	}
	user := strings.LastIndexByte(authority, '@') + 1
	if host, _ := splitHost(authority[user:]); s[i] >= 0x80 && from+user <= i && i < from+user+len(host) {
		return punycodeHint(host)
	}
	return fmt.Sprintf("holds %s at byte %d: percent-encode what RFC 3986 does not allow", charName(s[i]), i)
}

// notURI returns the index of the first byte that RFC 3986 §2 does not allow at its place in a URI, or -1. The
// authority is s[from:to]; only there are brackets allowed.
func notURI(s string, from, to int) int {
	fragment := false
	for i := range len(s) {
		switch c := s[i]; {
		case !restricted[c]:
		case (c == '[' || c == ']') && from <= i && i < to:
		case c == '#' && !fragment:
			fragment = true
		default:
			return i
		}
	}
	return -1
}

// restricted has the bytes that RFC 3986 §2 allows nowhere in a URI, or only at some places.
var restricted = func() (table [256]bool) {
	for c := range table {
		table[c] = c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}[]#", byte(c)) >= 0
	}
	return table
}()

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

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// portProblem returns what is wrong with the port of a URI, or "". A port may be empty (RFC 3986 §3.2.3).
func portProblem(port string) string {
	if strings.Contains(port, "*") {
		return "has '*' in its port: name each URI in full"
	}
	if port == "" {
		return ""
	}
	for i := range len(port) {
		if !isDigit(port[i]) {
			return "has a port that is not a number"
		}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "has a port above 65535"
	}
	return ""
}

// isWeb reports whether a scheme, in lower case, is that of web pages.
func isWeb(scheme string) bool { return scheme == "https" || scheme == "http" }

func (u uri) isHTTP() bool { return isWeb(u.scheme) }

func (u uri) isLoopback() bool { return netrule.IsLoopback(u.host) }
