package server

import (
	"net"
	"net/http"
	"net/netip"

	"github.com/labstack/echo/v4"

	"registrar/internal/netrule"
)

// beyondLoopback returns why a request may come from beyond this machine, or "" if nothing shows that it does. A page
// of another site can have a browser on this machine send a request, which then has its Origin; a name that such a page
// rebinds to 127.0.0.1 is in Host. A proxy on this machine that passes requests on as HTTP/1.1, with a loopback Host
// and without a header of its own, cannot be recognized.
func beyondLoopback(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	switch {
	case err != nil || !plain(peer.Addr()).IsLoopback():
		return "the connection is not from loopback"
	case !netrule.IsLoopbackAuthority(r.Host):
		return "the Host is not loopback"
	case !r.ProtoAtLeast(1, 1):
		return "HTTP/1.0 is what proxies speak"
	}
	if name := proxyHeader(r.Header); name != "" {
		return "the header " + name + " names a proxy"
	}
	if origins := r.Header[echo.HeaderOrigin]; len(origins) > 1 || len(origins) == 1 &&
		!netrule.IsLoopbackOrigin(origins[0]) {
		return "the Origin is not loopback"
	}
	return ""
}

// onlyLoopbackHosts rejects requests for another Host than loopback if the admin listener listens on loopback.
// Otherwise a page that rebinds its name to 127.0.0.1 could read in a browser on this machine what needs no token, such
// as /metrics, since for the browser it is the page's own site.
func (s *Server) onlyLoopbackHosts(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.adminLoopback && !netrule.IsLoopbackAuthority(c.Request().Host) {
			return &statusError{http.StatusMisdirectedRequest,
				"the admin listener listens on loopback, so Host must be loopback too, such as 127.0.0.1"}
		}
		return next(c)
	}
}

// isLoopback reports whether a listener's address is loopback.
func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
