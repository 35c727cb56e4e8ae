package server

import (
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ows is the optional whitespace of RFC 9110 §5.6.3.
const ows = " \t"

// The reasons why an element of Forwarded names no address.
const (
	malformedForwarded = "it is not a list of parameters such as for=192.0.2.1 (RFC 7239 section 4)"
	elementWithoutFor  = "an element has no for, or more than one"
)

// forwardedHops returns the nodes that Forwarded header lines have in for parameters, from right to left; or "" and the
// reason why an element has none. Each line is read by itself: a quotation mark that a client left open in one line
// cannot hide a line that a proxy added.
func forwardedHops(lines []string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, line := range slices.Backward(lines) {
			var few [4]string
			nodes, ok := forwardedNodes(few[:0], line)
			if !ok {
				yield("", malformedForwarded)
				return
			}
			for _, node := range slices.Backward(nodes) {
				why := ""
				if node == "" {
					why = elementWithoutFor
				}
				if !yield(node, why) {
					return
				}
			}
		}
	}
}

// forwardedNodes appends to nodes, for each element of a Forwarded header line (RFC 7239 §4), the value of its for
// parameter, "" if it does not have exactly one. Empty elements are left out. It returns false if the line is
// malformed.
//
//	Forwarded         = 1#forwarded-element
//	forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )
//	forwarded-pair    = token "=" ( token / quoted-string )
//
// Spaces beside the delimiters are allowed. So are, in a value without quotation marks, the colons and brackets that
// need them: many proxies leave them out.
func forwardedNodes(nodes []string, line string) ([]string, bool) {
	for line != "" {
		node, pairs, count := "", 0, 0
		for {
			line = strings.TrimLeft(line, ows)
			if line != "" && line[0] != ';' && line[0] != ',' {
				name, value, rest, ok := cutPair(line)
				if !ok {
					return nil, false
				}
				pairs++
				if strings.EqualFold(name, "for") { // parameter names are case-insensitive
					node = value
					count++
				}
				line = strings.TrimLeft(rest, ows)
			}
			if line == "" || line[0] == ',' {
				break
			}
			if line[0] != ';' {
				return nil, false
			}
			line = line[1:]
		}
		line = strings.TrimPrefix(line, ",")
		if count != 1 { // each parameter occurs at most once in an element
			node = ""
		}
		if pairs > 0 {
			nodes = append(nodes, node)
		}
	}
	return nodes, true
}

// cutPair returns the forwarded-pair at the beginning of s, and what follows it.
func cutPair(s string) (name, value, rest string, ok bool) {
	name = s[:prefixOf(s, isTokenByte)]
	rest, ok = strings.CutPrefix(s[len(name):], "=")
	if name == "" || !ok {
		return "", "", "", false
	}
	if strings.HasPrefix(rest, `"`) {
		value, rest, ok = cutQuoted(rest)
		return name, value, rest, ok
	}
	value = rest[:prefixOf(rest, func(b byte) bool { return isTokenByte(b) || strings.IndexByte(":[]", b) >= 0 })]
	return name, value, rest[len(value):], value != ""
}

// cutQuoted returns the content of the quoted-string (RFC 9110 §5.6.4) at the beginning of s, and what follows it.
func cutQuoted(s string) (content, rest string, ok bool) {
	end := strings.IndexAny(s[1:], `"\`) + 1
	if end > 0 && s[end] == '"' { // the usual form
		return s[1:end], s[end+1:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

// prefixOf returns the length of the longest prefix of s whose bytes all fit.
func prefixOf(s string, fits func(byte) bool) int {
	i := 0
	for i < len(s) && fits(s[i]) {
		i++
	}
	return i
}

// isTokenByte reports whether b is a tchar of RFC 9110 §5.6.2.
func isTokenByte(b byte) bool {
	return isAlphanumeric(b) || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}

func isAlphanumeric(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
}

// nodeAddress returns the address in a node (RFC 7239 §6): 192.0.2.1 or [2001:db8::1], with or without a port. IPv6
// without brackets, as most proxies write it in X-Forwarded-For, has no port. The identifiers unknown and _hidden are
// not addresses (RFC 7239 §6.2, §6.3).
func nodeAddress(node string) (netip.Addr, bool) {
	host, port, bracketed := node, "", false
	if inner, ok := strings.CutPrefix(node, "["); ok {
		host, port, bracketed = strings.Cut(inner, "]")
		if !bracketed {
			return netip.Addr{}, false
		}
	} else if colon := strings.IndexByte(node, ':'); colon >= 0 && colon == strings.LastIndexByte(node, ':') {
		host, port = node[:colon], node[colon:]
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || port != "" && !isPort(port) || bracketed && addr.Is4() {
		return netip.Addr{}, false
	}
	return plain(addr), true
}

// isPort reports whether s is a colon and a port of RFC 7239 §6: a number, or an obfuscated one such as _a1.
func isPort(s string) bool {
	port, ok := strings.CutPrefix(s, ":")
	if obfuscated, hidden := strings.CutPrefix(port, "_"); ok && hidden {
		return obfuscated != "" && prefixOf(obfuscated, func(b byte) bool {
			return isAlphanumeric(b) || strings.IndexByte("._-", b) >= 0
		}) == len(obfuscated)
	}
	_, err := strconv.ParseUint(port, 10, 16)
	return ok && err == nil
}
