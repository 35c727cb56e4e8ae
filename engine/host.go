package engine

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

const (
	maxName  = 253 // bytes of a host name, of which DNS transports 255 octets (RFC 1035 §2.3.4)
	maxLabel = 63  // bytes between two dots
)

// readAuthority splits the authority of a URI into its host, with the brackets of an IP literal, and its port; "" means
// none. Otherwise it returns what is wrong with the authority, in words that follow the member's name in a sentence.
// web is as in hostProblem; only other URIs may have no host.
func readAuthority(authority string, web bool) (host, port, problem string) {
	if strings.Contains(authority, "@") {
		return "", "", "holds user information: leave out the part before the @"
	}
	host, port = splitHost(authority)
	switch {
	case host == "" && (web || port != ""):
		return "", "", "has no host"
	case host != "":
		if problem = hostProblem(host, web); problem != "" {
			return "", "", problem
		}
	}
	return host, port, portProblem(port)
}

// splitHost splits the authority of a URI, without user information, into its host, with the brackets of an IP literal,
// and its port; "" means none.
func splitHost(authority string) (host, port string) {
	end := 0
	if strings.HasPrefix(authority, "[") {
		end = strings.IndexByte(authority, ']') + 1
	}
	if colon := strings.IndexByte(authority[end:], ':'); colon >= 0 {
		return authority[:end+colon], authority[end+colon+1:]
	}
	return authority, ""
}

// hostProblem returns what is wrong with the host of a URI, in words that follow the member's name in a sentence, or
// "". The host of a web page is an IP address or a domain name; other schemes may have any registered name of RFC 3986
// §3.2.2. An IPv4 address has one spelling, so that a rule about hosts reads the address that browsers connect to.
func hostProblem(host string, web bool) string {
	switch {
	case strings.Contains(host, "*"):
		return "has '*' in its host: name each host in full, since URIs are compared exactly"
	case host[0] == '[':
		return literalProblem(host)
	case strings.ContainsAny(host, "[]"):
		return "has brackets in its host, which are only for an IPv6 address"
	case strings.Contains(host, "%"):
		return "has a percent sign in its host: write letters as they are, and other scripts in punycode"
	case endsInNumber(host):
		return ipv4Problem(host)
	case web:
		return nameProblem(host)
	}
	return ""
}

// literalProblem checks an IP literal with its brackets (RFC 3986 §3.2.2, RFC 4291 §2.2).
func literalProblem(host string) string {
	inner, closed := strings.CutSuffix(host[1:], "]")
	addr, err := netip.ParseAddr(inner)
	switch {
	case strings.Contains(inner, "%"):
		return "has an IPv6 zone in its host, which means something only on one machine: leave it out"
	case !closed || err != nil:
		return "has no IPv6 address between the brackets in its host"
	case addr.Unmap().Is4():
		return otherSpelling(addr.Unmap())
	}
	return ""
}

func otherSpelling(addr netip.Addr) string {
	return fmt.Sprintf("has another spelling of the IP address %s: write %s", addr, addr)
}

// endsInNumber reports whether browsers read a host as an IPv4 address: its last label is decimal or hexadecimal
// (WHATWG URL, "ends in a number checker").
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if len(last) >= 2 && last[0] == '0' && last[1]|0x20 == 'x' {
		for i := 2; i < len(last); i++ {
			if !isHex(last[i]) {
				return false
			}
		}
		return true
	}
	for i := range len(last) {
		if !isDigit(last[i]) {
			return false
		}
	}
	return last != ""
}

// ipv4Problem checks a host that ends in a number: it must be four decimal numbers without leading zeros.
func ipv4Problem(host string) string {
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is4() {
		return ""
	}
	if addr, ok := looseIPv4(host); ok {
		return otherSpelling(addr)
	}
	return "has a host that ends in a number, but is no IPv4 address such as 192.0.2.1"
}

// looseIPv4 reads an IPv4 address as browsers and inet_aton do (WHATWG URL, "IPv4 parser"): one to four numbers, which
// may be hexadecimal or octal, the last of which fills the remaining bytes.
func looseIPv4(host string) (netip.Addr, bool) {
	parts := strings.SplitN(strings.TrimSuffix(host, "."), ".", 5)
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var address uint64
	for i, part := range parts {
		bits := 8
		if i == len(parts)-1 {
			bits *= 5 - len(parts)
		}
		n, ok := looseNumber(part)
		if !ok || n>>bits != 0 {
			return netip.Addr{}, false
		}
		address = address<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(address >> 24), byte(address >> 16), byte(address >> 8), byte(address)}), true
}

// looseNumber reads a number of looseIPv4.
func looseNumber(s string) (uint64, bool) {
	base := 10
	switch {
	case len(s) >= 2 && s[0] == '0' && s[1]|0x20 == 'x':
		s, base = s[2:], 16
		if s == "" {
			return 0, true
		}
	case len(s) >= 2 && s[0] == '0':
		s, base = s[1:], 8
	}
	n, err := strconv.ParseUint(s, base, 32)
	return n, err == nil
}

// nameProblem checks a host name (RFC 1123 §2.1). It allows underscores, which names in private networks have, and no
// dot at the end, with which a host is another one for browsers.
func nameProblem(name string) string {
	if len(name) > maxName {
		return fmt.Sprintf("has a host of more than %d characters", maxName)
	}
	label := 0
	for i := range len(name) + 1 {
		if i < len(name) && name[i] != '.' {
			if c := name[i]; c >= 0x80 {
				return punycodeHint(name)
			} else if !isLetter(c) && !isDigit(c) && c != '-' && c != '_' {
				return fmt.Sprintf("has %s in its host, which may have letters, digits, hyphens and dots", charName(c))
			}
			continue
		}
		switch l := name[label:i]; {
		case l == "" && i == len(name) && i > 0:
			return "has a dot at the end of its host: leave it out"
		case l == "":
			return "has an empty label in its host"
		case len(l) > maxLabel:
			return fmt.Sprintf("has a label of more than %d characters in its host", maxLabel)
		case l[0] == '-' || l[len(l)-1] == '-':
			return "has a label in its host that begins or ends with a hyphen"
		case isPunycode(l) && !validPunycode(l[4:]):
			return "has a label in its host that begins with xn--, but is not valid punycode"
		}
		label = i + 1
	}
	return ""
}
