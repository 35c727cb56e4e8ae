package server

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"golang.org/x/time/rate"

	"registrar/internal/netrule"
)

// rateLimit limits the requests of one address. description is the error description of a request beyond the limit.
func (s *Server) rateLimit(description string) echo.MiddlewareFunc {
	store := middleware.NewRateLimiterMemoryStoreWithConfig(middleware.RateLimiterMemoryStoreConfig{
		Rate: rate.Limit(s.config.RateLimit), Burst: s.config.RateBurst, ExpiresIn: 10 * time.Minute,
	})
	return middleware.RateLimiterWithConfig(middleware.RateLimiterConfig{
		Skipper:             func(c echo.Context) bool { return !s.limited(c) },
		Store:               store,
		IdentifierExtractor: func(c echo.Context) (string, error) { return addressOf(c), nil },
		DenyHandler: func(echo.Context, string, error) error {
			return &statusError{http.StatusTooManyRequests, description}
		},
	})
}

// limited reports whether rate limits apply to a request.
func (s *Server) limited(c echo.Context) bool { return s.config.RateLimit != 0 && !s.local(c) }

// unreadAddress is the key of all requests whose caller's address cannot be read.
const unreadAddress = "unread"

// addressOf returns the key that a request counts against: see [netrule.Caller].
func addressOf(c echo.Context) string {
	ip, err := netip.ParseAddr(c.RealIP())
	if err != nil {
		return unreadAddress
	}
	return netrule.Caller(ip)
}

// local reports whether a request comes from this machine, but not through a trusted proxy on it.
func (s *Server) local(c echo.Context) bool {
	peer, err := netip.ParseAddrPort(c.Request().RemoteAddr)
	addr := plain(peer.Addr())
	return err == nil && addr.IsLoopback() && !s.proxies.trusts(addr)
}
