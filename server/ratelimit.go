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

// rateLimit limits how often one address may ask; description is what it is told then.
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

// limited reports whether limits hold for a request.
func (s *Server) limited(c echo.Context) bool { return s.config.RateLimit != 0 && !s.local(c) }

// addressOf returns the address that a request counts against, as [netrule.Caller] does.
func addressOf(c echo.Context) string {
	ip, err := netip.ParseAddr(c.RealIP())
	if err != nil {
		return c.RealIP()
	}
	return netrule.Caller(ip)
}

// local reports whether a request comes from this machine, and not by a proxy that runs here.
func (s *Server) local(c echo.Context) bool {
	peer, err := netip.ParseAddrPort(c.Request().RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	for _, p := range s.config.TrustedProxies {
		if p.Contains(peer.Addr().Unmap()) {
			return false
		}
	}
	return true
}
