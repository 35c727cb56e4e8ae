package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/internal/token"
	"registrar/server/bearer"
)

// callerKey is the context key of the caller, an *engine.Caller.
const callerKey = "caller"

// guard rejects requests whose caller is not allowed to register.
func (s *Server) guard(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if len(c.Request().Header.Values(echo.HeaderAuthorization)) > 0 {
			// Looking the token up takes from the time of the registration.
			defer setDeadline(c, s.config.RequestTimeout)()
		}
		caller, err := s.authenticate(c)
		if err != nil {
			return err
		}
		if caller.Auth == engine.AuthNone {
			if err := s.checkAnonymous(c); err != nil {
				return err
			}
		}
		// If the address cannot be read, the caller has none.
		ip, _ := netip.ParseAddr(c.RealIP())
		caller.IP = ip.Unmap()
		c.Set(callerKey, caller)
		return next(c)
	}
}

// caller returns the caller that guard authenticated.
func (s *Server) caller(c echo.Context) *engine.Caller { return c.Get(callerKey).(*engine.Caller) }

// checkAnonymous returns an error if the registration policy rejects a request without a token.
func (s *Server) checkAnonymous(c echo.Context) error {
	switch s.config.Registration {
	case RegistrationToken:
		return &unauthorizedError{description: "registration needs an initial access token"}
	case RegistrationLoopback:
		if why := beyondLoopback(c.Request()); why != "" {
			s.config.Logger.WarnContext(c.Request().Context(), "registration from another machine: "+
				"set --registration open to allow everyone to register, or --registration token",
				"why", why, "ip", c.RealIP(), "request_id", requestIDOf(c))
			return &unauthorizedError{description: "registration is open only to this machine"}
		}
	}
	return nil
}

// authenticate returns the caller of a request. It checks a token that was sent even if the endpoint does not need one.
func (s *Server) authenticate(c echo.Context) (*engine.Caller, error) {
	presented, sent, err := bearerToken(c.Request().Header)
	if err != nil || !sent {
		return &engine.Caller{Auth: engine.AuthNone}, err
	}
	ctx := c.Request().Context()
	if s.config.AccessTokens != nil && bearer.IsJWT(presented) {
		caller, err := s.config.AccessTokens.Verify(ctx, presented)
		if errors.Is(err, bearer.ErrInvalid) {
			err = badToken(err)
		}
		return caller, err
	}
	initial, err := s.config.InitialAccessToken(ctx, token.Hash(presented))
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return nil, badToken(errors.New("initial access token not found"))
	case err != nil:
		return nil, fmt.Errorf("looking up the initial access token: %w", err)
	case !initial.Usable(s.config.Now()):
		return nil, badToken(fmt.Errorf("the initial access token %s is used up or has expired", initial.ID))
	}
	caller := initial.Caller()
	return &caller, nil
}

// badToken returns the error for a rejected token. Its description is always the same, so that it does not reveal which
// tokens exist; cause is only logged.
func badToken(cause error) *unauthorizedError {
	return &unauthorizedError{
		token:       true,
		description: "the token is not known, or has expired or been used up",
		cause:       cause,
	}
}

// maxToken bounds a token, in bytes.
const maxToken = 8 << 10

// bearerToken returns the token in a request's Authorization header (RFC 6750 §2.1), and whether the request has that
// header. Tokens in other places are ignored.
func bearerToken(h http.Header) (token string, sent bool, err error) {
	scheme, token, err := authorization(h)
	switch {
	case err != nil:
		return "", true, badToken(err)
	case scheme == "" && token == "":
		return "", false, nil
	case !strings.EqualFold(scheme, "Bearer") || token == "":
		return "", true, &unauthorizedError{description: "registration takes a token as Authorization: Bearer TOKEN"}
	case len(token) > maxToken || !b64token(token):
		return "", true, badToken(errors.New("the token is too long or has invalid characters"))
	}
	return token, true, nil
}

// b64token reports whether s is a b64token of RFC 6750 §2.1.
func b64token(s string) bool {
	s = strings.TrimRight(s, "=")
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') &&
			!strings.ContainsRune("-._~+/", r)
	})
}
