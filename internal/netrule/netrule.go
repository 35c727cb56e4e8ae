// Package netrule has rules about hosts and addresses that several packages apply.
package netrule

import (
	"net/netip"
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

// Caller returns the range of addresses that limits and canaries treat as one caller: an IPv4 address itself, or the
// /64 of an IPv6 address, since a subscriber has at least that many.
func Caller(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		return netip.PrefixFrom(addr, 64).Masked().String()
	}
	return addr.String()
}
