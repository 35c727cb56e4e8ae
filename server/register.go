package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"golang.org/x/time/rate"

	"registrar/engine"
)

// exposed are the headers of an answer that scripts in a browser may read.
var exposed = []string{echo.HeaderWWWAuthenticate, echo.HeaderXRequestID, echo.HeaderRetryAfter}

func (s *Server) routePublic() {
	s.public.Use(middleware.CORSWithConfig(middleware.CORSConfig{
		AllowOrigins:  s.config.CORSOrigins,
		ExposeHeaders: exposed,
		MaxAge:        600,
	}))
	s.routeManagement()
	guards := []echo.MiddlewareFunc{s.rateLimit("too many registrations from one address"), s.guard}
	for _, path := range []string{"/register", "/connect/dcr"} {
		s.public.POST(path, s.register, guards...)
		s.public.OPTIONS(path, func(c echo.Context) error {
			c.Response().Header().Set(echo.HeaderAllow, "OPTIONS, POST")
			return c.NoContent(http.StatusNoContent)
		})
	}
}

// register is the client registration endpoint of RFC 7591 §3.
func (s *Server) register(c echo.Context) error {
	err := s.registerClient(c)
	if s.config.Observer != nil {
		s.config.Observer.Registered(registrationOutcome(err))
	}
	return err
}

func (s *Server) registerClient(c echo.Context) error {
	request, err := s.readRequest(c)
	if err != nil {
		return err
	}
	request.ID = requestIDOf(c)
	ctx, cancel := context.WithTimeout(c.Request().Context(), s.config.RequestTimeout)
	defer cancel()
	r, err := s.config.Engine.Register(ctx, request, s.caller(c))
	if err != nil {
		return err
	}
	noStore(c)
	err = sendJSON(c, http.StatusCreated, r.Response)
	s.config.Logger.LogAttrs(ctx, slog.LevelInfo, "client registered", slog.String("client_id", r.Client.ID),
		slog.Int64("deployment", r.Client.Provenance.Deployment), slog.String("ip", c.RealIP()), slog.String("request_id", request.ID))
	return err
}

const mimeJWT = "application/jwt"

// readRequest reads the metadata, or the software statement that holds all of it.
func (s *Server) readRequest(c echo.Context) (*engine.Request, error) {
	if s.config.AcceptJWTBodies && hasMediaType(c, mimeJWT) {
		b, err := body(c, mimeJWT, s.config.MaxBody)
		if err != nil {
			return nil, err
		}
		return engine.ParseStatement(b)
	}
	b, err := body(c, echo.MIMEApplicationJSON, s.config.MaxBody)
	if err != nil {
		return nil, err
	}
	return engine.ParseRequest(b)
}

// noStore keeps an answer out of caches (RFC 7591 §3.2.1).
func noStore(c echo.Context) {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	c.Response().Header().Set("Pragma", "no-cache")
}

// beyondLoopback says by what a request shows that it does not come from this machine, or "".
func beyondLoopback(r *http.Request) string {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	ip, err := netip.ParseAddr(host)
	if !strings.EqualFold(host, "localhost") && (err != nil || !ip.IsLoopback()) {
		return "the Host is not loopback"
	}
	for name := range r.Header {
		if name == "Forwarded" || name == "Via" || strings.HasPrefix(name, "X-Forwarded-") {
			return "the header " + name + " names a proxy"
		}
	}
	return ""
}

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

// addressOf returns what stands for one address in limits: of IPv6, its /64.
func addressOf(c echo.Context) string {
	ip, err := netip.ParseAddr(c.RealIP())
	if err != nil {
		return c.RealIP()
	}
	if ip = ip.Unmap(); ip.Is6() {
		return netip.PrefixFrom(ip.WithZone(""), 64).Masked().String()
	}
	return ip.String()
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
