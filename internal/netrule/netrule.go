// Package netrule has rules about hosts and addresses that several packages apply.
package netrule

import (
	"net/netip"
	"strconv"
	"strings"
)

// IsLoopback reports whether host is localhost, a name that ends in .localhost (RFC 6761 §6.3), or a loopback address:
// 127.0.0.0/8, also IPv4-mapped, or ::1 in any spelling of RFC 4291 §2.2. The case of letters does not matter. host has
// no port and no brackets, as [net/url.URL.Hostname] returns it. Names are not resolved. localhost with a trailing dot
// is another name, as it is to browsers, and an IPv4 address in another spelling, such as 127.1, is no address.
func IsLoopback(host string) bool {
	const name = "localhost"
	if n := len(host) - len(name); n >= 0 && strings.EqualFold(host[n:], name) {
		return n == 0 || n > 1 && host[n-1] == '.'
	}
	if host == "" || (host[0] < '0' || host[0] > '9') && !strings.Contains(host, ":") {
		return false // a name; ParseAddr would allocate its error
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Zone() == "" && addr.Unmap().IsLoopback()
}

// IsLoopbackAuthority reports whether authority, as in a Host header or a URL, is a host for which [IsLoopback] returns
// true, with or without a port. An IPv6 address must be in brackets (RFC 3986 §3.2.2). A user, or a character that is
// in no name, makes it another host.
func IsLoopbackAuthority(authority string) bool {
	host, port, hasPort := strings.Cut(authority, ":")
	if inner, bracketed := strings.CutPrefix(authority, "["); bracketed {
		end := strings.IndexByte(inner, ']')
		if end < 0 || !strings.Contains(inner[:end], ":") {
			return false
		}
		host = inner[:end]
		port, hasPort = strings.CutPrefix(inner[end+1:], ":")
		if !hasPort && port != "" {
			return false
		}
	} else if strings.IndexFunc(host, notInName) >= 0 {
		return false
	}
	return (!hasPort || isPort(port)) && IsLoopback(host)
}

// notInName reports whether r is in no host name of letters, digits, hyphens and underscores.
func notInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
}

// isPort reports whether s is a port: empty (RFC 3986 §3.2.3), or 1 to 65535.
func isPort(s string) bool {
	if s == "" {
		return true
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// IsLoopbackOrigin reports whether origin, as browsers send it in the Origin header (RFC 6454 §7), is that of a page
// served over http or https by a host of this machine, on any port.
func IsLoopbackOrigin(origin string) bool {
	authority, ok := strings.CutPrefix(origin, "http://")
	if !ok {
		authority, ok = strings.CutPrefix(origin, "https://")
	}
	return ok && IsLoopbackAuthority(authority)
}

// Caller returns the range of addresses that limits and canaries treat as one caller: an IPv4 address itself, or the
// /64 of an IPv6 address, since a subscriber has at least that many.
func Caller(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		return netip.PrefixFrom(addr, 64).Masked().String()
	}
	return addr.String()
}

// Network returns the range of addresses that is likely one owner's: the /24 of an IPv4 address, the /48 of an IPv6
// address, which sites are given (RFC 6177 §2).
func Network(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	bits := 24
	if addr.Is6() {
		bits = 48
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return addr.String()
	}
	return prefix.String()
}
