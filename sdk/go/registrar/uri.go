package registrar

import (
	"strconv"
	"strings"
)

// A URI has the parts of an absolute URI (RFC 3986 §3). The parts are as written, not decoded, except that scheme and
// host are in lower case, and an IPv6 address is as in RFC 5952.
type URI struct {
	Scheme   string
	UserInfo string // without the "@"; see HasUserInfo
	Host     string // an IPv6 address is without brackets; "" if there is none
	Port     int    // 0 to 65535; -1 if there is none, or an empty one
	Path     string
	Query    string // without the "?"; see HasQuery
	Fragment string // without the "#"; see HasFragment

	HasUserInfo, HasQuery, HasFragment bool // whether the part is there, which may be empty
}

// ParseURI returns the parts of an absolute URI, and false for any other text. It refuses what programs read in
// different ways, so that a rule about hosts sees the host that a browser connects to, as the server does: characters
// outside RFC 3986 §2, a percent sign without two digits after it or in the host, a second "@", an http or https URI
// without a host of letters, digits, hyphens, underscores and dots, a port above 65535, an IPv4 address in another
// spelling than four decimal numbers, an IPv6 address with a zone or of an IPv4 address. Unlike the server it accepts
// user information, every scheme, and each host name that begins with xn--.
func ParseURI(s string) (URI, bool) {
	u := URI{Port: -1}
	if !allURICharacters(s) {
		return URI{}, false
	}
	scheme := strings.IndexByte(s, ':')
	if scheme < 0 || !isScheme(s[:scheme]) {
		return URI{}, false
	}
	u.Scheme = strings.ToLower(s[:scheme])
	rest, authority, hasAuthority := s[scheme+1:], "", false
	rest, u.Fragment, u.HasFragment = strings.Cut(rest, "#")
	rest, u.Query, u.HasQuery = strings.Cut(rest, "?")
	if rest, hasAuthority = strings.CutPrefix(rest, "//"); hasAuthority {
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		authority, rest = rest[:end], rest[end:]
	}
	u.Path = rest
	if strings.ContainsAny(u.Path+u.Query, "[]") || strings.ContainsAny(u.Fragment, "[]#") {
		return URI{}, false
	}
	if !u.readAuthority(authority) {
		return URI{}, false
	}
	return u, true
}

// allURICharacters reports whether a text has only characters of RFC 3986 §2, and two digits after each percent sign.
func allURICharacters(s string) bool {
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '<', '>', '\\', '^', '`', '{', '|', '}':
			return false
		case '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
		default:
			if c <= ' ' || c >= 0x7f {
				return false
			}
		}
	}
	return true
}

// isScheme reports whether a text is a scheme (RFC 3986 §3.1).
func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isLetter(c) && (i == 0 || !isDigit(c) && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}

// readAuthority reads user information, host and port (RFC 3986 §3.2), and reports whether they are valid.
func (u *URI) readAuthority(authority string) bool {
	host := authority
	if at := strings.IndexByte(authority, '@'); at >= 0 {
		u.UserInfo, u.HasUserInfo, host = authority[:at], true, authority[at+1:]
		if strings.ContainsAny(u.UserInfo, "[]") || strings.IndexByte(host, '@') >= 0 {
			return false
		}
	}
	after := 0 // where a port may begin
	if strings.HasPrefix(host, "[") {
		after = strings.IndexByte(host, ']') + 1
	}
	if colon := strings.IndexByte(host[after:], ':'); colon >= 0 {
		if !u.readPort(host[after+colon+1:]) {
			return false
		}
		host = host[:after+colon]
		if host == "" && u.Port >= 0 {
			return false
		}
	}
	u.Host = strings.ToLower(host)
	web := u.Scheme == "https" || u.Scheme == "http"
	switch {
	case host == "":
		return !web
	case host[0] == '[':
		return u.readLiteral()
	case strings.ContainsAny(host, "[]%*"):
		return false
	case endsInNumber(host):
		_, ok := parseIPv4(host)
		return ok
	}
	return !web || isName(host)
}

// readPort reads a port, which may be empty (RFC 3986 §3.2.3).
func (u *URI) readPort(port string) bool {
	if port == "" {
		return true
	}
	for i := range len(port) {
		if !isDigit(port[i]) {
			return false
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	u.Port = int(n)
	return err == nil
}

// isName reports whether a host is a name as web pages have (RFC 1123 §2.1). Underscores are allowed; a dot at the end
// is not, since browsers take such a host for another one.
func isName(host string) bool {
	label := 0 // where it begins
	for i := range len(host) + 1 {
		if i < len(host) && host[i] != '.' {
			if c := host[i]; !isLetter(c) && !isDigit(c) && c != '-' && c != '_' {
				return false
			}
			continue
		}
		if l := host[label:i]; l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		label = i + 1
	}
	return len(host) <= 253
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
