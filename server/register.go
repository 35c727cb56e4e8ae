package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"registrar/engine"
	"registrar/internal/netrule"
)

// exposed lists the response headers that scripts in a browser may read.
var exposed = []string{echo.HeaderWWWAuthenticate, echo.HeaderXRequestID, echo.HeaderRetryAfter}

// routePublic adds the routes of registration. The CORS middleware answers OPTIONS requests itself, with the methods
// that the router finds for the path, as long as no route has a handler for OPTIONS.
func (s *Server) routePublic() {
	s.public.Use(s.cors())
	s.public.GET("/readyz", s.readyPublic)
	s.routeManagement()
	guards := []echo.MiddlewareFunc{s.rateLimit("too many registrations from one address"), s.guard}
	for _, path := range []string{"/register", "/connect/dcr"} {
		s.public.POST(path, s.register, guards...)
	}
}

// cors returns the middleware that tells browsers whose pages may call the public listener.
func (s *Server) cors() echo.MiddlewareFunc {
	c := middleware.CORSConfig{Skipper: isOptionsOfNothing, ExposeHeaders: exposed, MaxAge: 600,
		AllowOrigins: s.config.CORSOrigins}
	switch {
	case c.AllowOrigins != nil:
	case s.config.Registration == RegistrationLoopback:
		c.AllowOriginFunc = func(origin string) (bool, error) { return netrule.IsLoopbackOrigin(origin), nil }
	default:
		c.AllowOrigins = []string{"*"}
	}
	return middleware.CORSWithConfig(c)
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
		s.noteUnreadable(err)
		return err
	}
	request.ID = requestIDOf(c)
	ctx, cancel := s.requestContext(c)
	defer cancel()
	caller := s.caller(c)
	r, err := s.config.Engine.Register(ctx, request, caller)
	if err != nil {
		return refusedCaller(err, caller)
	}
	noStore(c)
	err = sendJSON(c, http.StatusCreated, r.Response)
	s.logInfo(ctx, "client registered", slog.String("client_id", r.Client.ID),
		slog.Int64("deployment", r.Client.Provenance.Deployment), slog.String("ip", c.RealIP()),
		slog.String("request_id", request.ID))
	return err
}

// logInfo writes a line as [slog.Logger.LogAttrs] does, but without the place in the program. To find that takes a
// quarter of the time of a line, and the log does not have it.
func (s *Server) logInfo(ctx context.Context, message string, attrs ...slog.Attr) {
	handler := s.config.Logger.Handler()
	if !handler.Enabled(ctx, slog.LevelInfo) {
		return
	}
	record := slog.NewRecord(time.Now(), slog.LevelInfo, message, 0)
	record.AddAttrs(attrs...)
	_ = handler.Handle(ctx, record) // a Logger ignores the error too
}

// refusedCaller returns the error of a registration. If a script refuses a caller without a token as invalid_token, the
// challenge has no error code (RFC 6750 §3.1).
func refusedCaller(err error, caller *engine.Caller) error {
	refusal, refused := errors.AsType[*engine.Error](err)
	if refused && refusal.Code == engine.InvalidToken && caller.Auth == engine.AuthNone {
		return &unauthorizedError{description: refusal.Description, cause: err}
	}
	return err
}

const mimeJWT = "application/jwt"

// readRequest reads a registration request: metadata, or a software statement as the whole body.
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
