package cli

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
)

// listenHost returns the host of an address to listen on; "" means all addresses.
func listenHost(flag, address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "", fmt.Errorf("%s %s: must be HOST:PORT, such as 127.0.0.1:8080 or :8080", flag, address)
	}
	return host, nil
}

// checkDistinct returns an error if the system would not let a server listen on both addresses, as far as they tell.
// Both must be valid; see listenHost.
func checkDistinct(public, admin string) error {
	host1, port1, _ := net.SplitHostPort(public)
	host2, port2, _ := net.SplitHostPort(admin)
	n1, _ := strconv.Atoi(port1)
	n2, _ := strconv.Atoi(port2)
	if n1 != n2 || n1 == 0 || host1 != host2 && !isEveryAddress(host1) && !isEveryAddress(host2) {
		return nil
	}
	return fmt.Errorf("--listen %s and --admin-listen %s: must not be the same address; give one another port",
		public, admin)
}

// isEveryAddress reports whether a host to listen on means all addresses.
func isEveryAddress(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "" || err == nil && addr.Unmap().IsUnspecified()
}

// ownURL returns the URL at which this machine reaches a server that listens on an address. flag names the address.
func ownURL(flag, address string, secure bool) (*url.URL, error) {
	host, err := listenHost(flag, address)
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(address)
	if n, _ := strconv.Atoi(port); n == 0 {
		return nil, fmt.Errorf("%s %s: with port 0, the server has another port each time", flag, address)
	}
	if addr, err := netip.ParseAddr(host); isEveryAddress(host) {
		if host = "127.0.0.1"; err == nil && addr.Is6() && !addr.Is4In6() {
			host = "::1"
		}
	}
	return &url.URL{Scheme: scheme(secure), Host: net.JoinHostPort(host, port)}, nil
}

// baseAddress returns the URL at which this machine reaches a listener.
func baseAddress(addr net.Addr, secure bool) string {
	tcp := addr.(*net.TCPAddr)
	ip := tcp.IP
	switch {
	case ip.IsUnspecified() && ip.To4() == nil:
		ip = net.IPv6loopback
	case ip.IsUnspecified():
		ip = net.IPv4(127, 0, 0, 1)
	}
	return scheme(secure) + "://" + net.JoinHostPort(ip.String(), strconv.Itoa(tcp.Port))
}

// scheme returns the scheme of URLs of a listener.
func scheme(secure bool) string {
	if secure {
		return "https"
	}
	return "http"
}
