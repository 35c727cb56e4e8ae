package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// A hostList is a set of hosts.
type hostList struct {
	names  []string // in lower case
	ranges []netip.Prefix
}

// parseHosts reads Options.HTTPRedirectHosts.
func parseHosts(list []string) (hostList, error) {
	var hosts hostList
	for _, s := range list {
		prefix, err := netip.ParsePrefix(s)
		if addr, single := netip.ParseAddr(strings.Trim(s, "[]")); single == nil && addr.Zone() == "" {
			prefix, err = addr.Prefix(addr.BitLen())
		}
		switch {
		case err == nil && prefix.Addr().Is4In6():
			return hostList{}, fmt.Errorf("HTTP redirect host %q: write the IPv4 address without ::ffff:", s)
		case err == nil:
			hosts.ranges = append(hosts.ranges, prefix.Masked())
		case s == "" || strings.ContainsAny(s, "[]/:"):
			return hostList{}, fmt.Errorf("HTTP redirect host %q: it must be a host name such as lab.example, or a "+
				"range "+
				"of addresses such as 10.0.0.0/8", s)
		default:
			if problem := hostProblem(s, true); problem != "" {
				return hostList{}, fmt.Errorf("HTTP redirect host %q %s", s, problem)
			}
			hosts.names = append(hosts.names, strings.ToLower(s))
		}
	}
	return hosts, nil
}

// contain reports whether a host, without brackets, is in the set.
func (l hostList) contain(host string) bool {
	if slices.Contains(l.names, strings.ToLower(host)) {
		return true
	}
	if len(l.ranges) == 0 {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(l.ranges, func(p netip.Prefix) bool { return p.Contains(addr) })
}
