// Package netrule holds the rules about hosts and addresses that several packages apply.
package netrule

import (
	"net/netip"
	"strings"
)

// IsLoopback reports whether host names this machine: localhost in any case, or an IP address that is loopback,
// IPv4-mapped ones included. host is a host alone, without a port and without brackets, as [net/url.URL.Hostname]
// returns it. Names are not resolved, and localhost with a dot at its end is another name.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// Caller returns the range of addresses that limits and divisions treat as one caller: an IPv4 address itself, and the
// /64 of an IPv6 address, since a subscriber has at least that many.
func Caller(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		return netip.PrefixFrom(addr, 64).Masked().String()
	}
	return addr.String()
}
