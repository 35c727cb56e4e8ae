package server

import (
	"context"
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
	guards := []echo.MiddlewareFunc{s.rateLimit(), s.guard}
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
	b, err := body(c, echo.MIMEApplicationJSON, s.config.MaxBody)
	if err != nil {
		return err
	}
	request, err := engine.ParseRequest(b)
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
	s.config.Logger.InfoContext(ctx, "client registered", "client_id", r.Client.ID, "deployment", r.Client.Provenance.Deployment,
		"ip", c.RealIP(), "request_id", request.ID)
	noStore(c)
	return c.JSONBlob(http.StatusCreated, r.Response)
}

// caller returns who registers. Nobody can prove who they are until tokens exist.
func (s *Server) caller(c echo.Context) *engine.Caller {
	// An address that cannot be read is left out.
	ip, _ := netip.ParseAddr(c.RealIP())
	return &engine.Caller{Auth: engine.AuthNone, IP: ip.Unmap()}
}

// noStore keeps an answer out of caches (RFC 7591 §3.2.1).
func noStore(c echo.Context) {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	c.Response().Header().Set("Pragma", "no-cache")
}

// guard lets those register who may.
func (s *Server) guard(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if sent := c.Request().Header.Get(echo.HeaderAuthorization); sent != "" {
			// RFC 6750 §3.1. An open endpoint does not ignore a token either: whoever sends one means it.
			return &unauthorized{token: hasBearer(sent), description: "the token is not known: no initial access token has been issued"}
		}
		switch s.config.Registration {
		case RegistrationToken:
			return &unauthorized{description: "registration needs an initial access token"}
		case RegistrationLoopback:
			if why := beyondLoopback(c.Request()); why != "" {
				s.config.Logger.WarnContext(c.Request().Context(), "registration from beyond this machine: set --registration open to let everybody register, or --registration token",
					"why", why, "ip", c.RealIP(), "request_id", requestIDOf(c))
				return &unauthorized{description: "registration is open on this machine only"}
			}
		}
		return next(c)
	}
}

func hasBearer(authorization string) bool {
	scheme, token, _ := strings.Cut(authorization, " ")
	return strings.EqualFold(scheme, "Bearer") && strings.TrimSpace(token) != ""
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

// rateLimit limits how often one address may register; of IPv6, one /64.
func (s *Server) rateLimit() echo.MiddlewareFunc {
	store := middleware.NewRateLimiterMemoryStoreWithConfig(middleware.RateLimiterMemoryStoreConfig{
		Rate: rate.Limit(s.config.RateLimit), Burst: s.config.RateBurst, ExpiresIn: 10 * time.Minute,
	})
	return middleware.RateLimiterWithConfig(middleware.RateLimiterConfig{
		Skipper: func(c echo.Context) bool { return s.config.RateLimit == 0 || s.local(c) },
		Store:   store,
		IdentifierExtractor: func(c echo.Context) (string, error) {
			ip, err := netip.ParseAddr(c.RealIP())
			if err != nil {
				return c.RealIP(), nil
			}
			if ip = ip.Unmap(); ip.Is6() {
				prefix, err := ip.Prefix(64)
				return prefix.String(), err
			}
			return ip.String(), nil
		},
		DenyHandler: func(echo.Context, string, error) error {
			return &statusError{http.StatusTooManyRequests, "too many registrations from one address"}
		},
	})
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
