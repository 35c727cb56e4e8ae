package server

import (
	"fmt"
	"iter"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// A ForwardedHeader says in which header trusted proxies name the address of a caller.
type ForwardedHeader string

// The forwarded headers.
const (
	// ForwardedEither reads X-Forwarded-For or Forwarded, whichever a request has. A proxy usually sets one of them and
	// passes on the other as the client sent it, so where a request has both, they must name the same address.
	ForwardedEither ForwardedHeader = "either"
	// ForwardedXForwardedFor reads only X-Forwarded-For.
	ForwardedXForwardedFor ForwardedHeader = "x-forwarded-for"
	// ForwardedRFC7239 reads only Forwarded (RFC 7239).
	ForwardedRFC7239 ForwardedHeader = "forwarded"
)

// The headers, in the form in which [http.Header] has them.
const (
	headerForwarded     = "Forwarded"
	headerXForwardedFor = echo.HeaderXForwardedFor
)

// reads reports whether the address may be in a header.
func (f ForwardedHeader) reads(header string) bool {
	switch f {
	case ForwardedXForwardedFor:
		return header == headerXForwardedFor
	case ForwardedRFC7239:
		return header == headerForwarded
	}
	return true
}

// names names the headers that are read, for a message.
func (f ForwardedHeader) names() string {
	switch f {
	case ForwardedXForwardedFor:
		return headerXForwardedFor
	case ForwardedRFC7239:
		return headerForwarded
	}
	return headerXForwardedFor + " or " + headerForwarded
}

// proxies finds the addresses of callers behind trusted proxies.
type proxies struct {
	trusted []netip.Prefix
	header  ForwardedHeader
}

// An unreadError says why the address of a request's caller cannot be read.
type unreadError struct {
	header string // "" if no header is at fault
	hop    string // the part of the header that is not an address; "" means that why says it all
	why    string
}

// Error quotes at most 64 characters of the header, in ASCII, since clients may have sent it.
func (e *unreadError) Error() string {
	text := e.why
	if e.hop != "" {
		text = fmt.Sprintf("%+.64q %s", e.hop, e.why)
	}
	if e.header == "" {
		return text
	}
	return e.header + ": " + text
}

// caller returns the address of a request's caller, or an [*unreadError] if the caller has none that can be read. The
// caller is the peer, unless that is a trusted proxy that forwarded the request; the proxy's own address is returned
// only for a request that shows no sign of having been forwarded.
func (p *proxies) caller(r *http.Request) (netip.Addr, error) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, &unreadError{why: "the connection has no address"}
	}
	if addr := plain(peer.Addr()); !p.trusts(addr) {
		return addr, nil
	}
	var found netip.Addr
	for _, header := range []string{headerXForwardedFor, headerForwarded} {
		lines := r.Header[header]
		if len(lines) == 0 || !p.header.reads(header) {
			continue
		}
		addr, err := p.nearest(header, lines)
		if err != nil {
			return netip.Addr{}, err
		}
		if found.IsValid() && found != addr {
			return netip.Addr{}, &unreadError{header: headerForwarded, why: "it differs from X-Forwarded-For: " +
				"set --forwarded-header to the one that the proxy sets"}
		}
		found = addr
	}
	if found.IsValid() {
		return found, nil
	}
	if header := proxyHeader(r.Header); header != "" {
		return netip.Addr{}, &unreadError{header: header, why: "the proxy forwarded the request without " +
			p.header.names()}
	}
	return plain(peer.Addr()), nil
}

// nearest returns the first address of a header, from the right, that is not a trusted proxy's. Each proxy adds the
// address of its peer on the right, so everything to the left of that address may be the client's invention
// (RFC 7239 §8.1). If all are trusted, nearest returns the leftmost.
func (p *proxies) nearest(header string, lines []string) (netip.Addr, error) {
	hops := listHops(lines)
	if header == headerForwarded {
		hops = forwardedHops(lines)
	}
	var addr netip.Addr
	for hop, why := range hops {
		if why != "" {
			return netip.Addr{}, &unreadError{header: header, why: why}
		}
		var ok bool
		if addr, ok = nodeAddress(hop); !ok {
			return netip.Addr{}, &unreadError{header: header, hop: hop, why: "is not an address"}
		}
		if !p.trusts(addr) {
			return addr, nil
		}
	}
	if !addr.IsValid() {
		return netip.Addr{}, &unreadError{header: header, why: "it is empty"}
	}
	return addr, nil
}

// trusts reports whether an address is a trusted proxy's.
func (p *proxies) trusts(addr netip.Addr) bool {
	for _, prefix := range p.trusted {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// plain returns an address in the form in which addresses are compared: IPv4 not mapped into IPv6, and without a zone,
// which means something only on the machine that wrote it.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// proxyHeader returns the name of a header that shows that a proxy forwarded a request, or "".
func proxyHeader(h http.Header) string {
	for name := range h {
		if isProxyHeader(name) {
			return name
		}
	}
	return ""
}

// isProxyHeader reports whether only proxies add a header: Forwarded and all that have it in their names, Via, and
// those in which products name the client's address, nearly all of which end in -IP, such as X-Real-IP and
// CF-Connecting-IP. name must be in the form in which [http.Header] has it.
func isProxyHeader(name string) bool {
	switch name {
	case "Via", "Cdn-Loop", "X-Envoy-External-Address", "X-Azure-Clientip", "X-Azure-Socketip":
		return true
	}
	return strings.Contains(name, headerForwarded) || strings.HasSuffix(name, "-Ip")
}

// listHops returns the elements of a comma-separated list from right to left. Several header lines are one list, in
// order (RFC 9110 §5.3), and empty elements do not count (RFC 9110 §5.6.1). The second value is always "".
func listHops(lines []string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := len(lines) - 1; i >= 0; i-- {
			for rest, more := lines[i], true; more; {
				element := rest
				comma := strings.LastIndexByte(rest, ',')
				if more = comma >= 0; more {
					rest, element = rest[:comma], rest[comma+1:]
				}
				if element = strings.Trim(element, ows); element != "" && !yield(element, "") {
					return
				}
			}
		}
	}
}

// ipExtractor returns what Echo uses as the address of a caller, in text; "" if it cannot be read.
func (s *Server) ipExtractor() echo.IPExtractor {
	if len(s.proxies.trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	return func(r *http.Request) string {
		addr, err := s.proxies.caller(r)
		if err != nil {
			return ""
		}
		return addr.String()
	}
}

// noteAddress counts the requests whose caller's address cannot be read, and logs why, once a minute.
func (s *Server) noteAddress(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if _, err := s.proxies.caller(c.Request()); err != nil {
			if s.config.Observer != nil {
				s.config.Observer.AddressUnread()
			}
			if requests := s.unread.due(s.config.Now()); requests > 0 {
				s.config.Logger.WarnContext(c.Request().Context(), "the address of a caller cannot be read: "+
					"callers without one share one rate limit",
					"error", err, "proxy", c.Request().RemoteAddr, "requests", requests, "request_id", requestIDOf(c))
			}
		}
		return next(c)
	}
}

// A minutely says once a minute that something happened. It is safe for concurrent use. The zero value is ready.
type minutely struct {
	mu    sync.Mutex
	again time.Time // when it may next be said
	count int       // how often it happened since it was last said
}

// due counts an event at a time. It returns the number of events since it last returned one that is not 0, if that was
// at least a minute ago; else 0.
func (m *minutely) due(now time.Time) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count++
	if now.Before(m.again) {
		return 0
	}
	n := m.count
	m.count, m.again = 0, now.Add(time.Minute)
	return n
}
