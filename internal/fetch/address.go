package fetch

import (
	"net/netip"
	"syscall"

	"code.dny.dev/ssrf"
)

// publicOnly returns the control of a dialer that connects only to public addresses, and to loopback addresses where
// loopback is set. It sees the address that the connection is made to, whatever the name was resolved to before.
func publicOnly(loopback bool) func(network, address string, c syscall.RawConn) error {
	options := []ssrf.Option{ssrf.WithAnyPort(), ssrf.WithDeniedV4Prefixes(cloudHost())}
	if loopback {
		options = append(options, ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix("127.0.0.0/8")),
			ssrf.WithAllowedV6Prefixes(netip.MustParsePrefix("::1/128")))
	}
	return ssrf.New(options...).Safe
}

// cloudHost returns the public address of a service that is internal to virtual machines of Azure.
func cloudHost() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{168, 63, 129, 16}), 32)
}
