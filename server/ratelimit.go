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
		Skipper:             func(echo.Context) bool { return !s.limited() },
		Store:               store,
		IdentifierExtractor: func(c echo.Context) (string, error) { return addressOf(c), nil },
		DenyHandler: func(echo.Context, string, error) error {
			return &statusError{http.StatusTooManyRequests, description}
		},
	})
}

// newFailures returns a store that counts failing tokens by address: a tenth of what registrations may.
func (s *Server) newFailures() *middleware.RateLimiterMemoryStore {
	return middleware.NewRateLimiterMemoryStoreWithConfig(middleware.RateLimiterMemoryStoreConfig{
		Rate: rate.Limit(s.config.RateLimit / 10), Burst: max(1, s.config.RateBurst/10), ExpiresIn: 10 * time.Minute,
	})
}

// countFailure counts a failing token against the address of a request, in one of the stores of newFailures. It returns
// an error if there were too many.
func (s *Server) countFailure(c echo.Context, failures *middleware.RateLimiterMemoryStore) error {
	if !s.limited() {
		return nil
	}
	if allowed, err := failures.Allow(addressOf(c)); err == nil && !allowed {
		return &statusError{http.StatusTooManyRequests, "too many failing tokens from one address"}
	}
	return nil
}

// limited reports whether there are rate limits. They hold on loopback too: this machine may have many users, and a
// proxy that is not named as trusted.
func (s *Server) limited() bool { return s.config.RateLimit != 0 }

// unreadAddress is the key of all requests whose caller's address cannot be read.
const unreadAddress = "unread"

// addressOf returns the key that a request counts against: see [netrule.Caller].
func addressOf(c echo.Context) string {
	text := c.RealIP()
	ip, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return unreadAddress
	case ip.Is4():
		return text // IPv4 has one spelling; another copy would be an allocation for each registration
	}
	return netrule.Caller(ip)
}
