// Package netrule has rules about hosts and addresses that several packages apply.
package netrule

import (
	"net/netip"
	"strings"
)

// IsLoopback reports whether host is localhost, in any case, or a loopback IP address, which may be IPv4-mapped. host
// has no port and no brackets, as [net/url.URL.Hostname] returns it. Names are not resolved, and localhost with a
// trailing dot is another name.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
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
