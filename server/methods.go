package server

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"registrar/internal/token"
)

// methods are the methods that a route may have, in the order of Echo's Allow header, which begins with OPTIONS.
var methods = []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPatch, http.MethodPost,
	http.MethodPut}

// A call is a route's method and its pattern.
type call struct{ method, path string }

// routeHeads adds a HEAD route for every GET route that is added to e from now on (RFC 9110 §9.3.2).
func routeHeads(e *echo.Echo) {
	e.OnAddRouteHandler = func(_ string, route echo.Route, get echo.HandlerFunc, guards []echo.MiddlewareFunc) {
		if route.Method == http.MethodGet {
			e.HEAD(route.Path, head(get), guards...)
		}
	}
}

// head returns the handler of HEAD for that of GET. The answer has the header of GET, with the length of the content
// that it leaves out.
func head(get echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		w := &headWriter{ResponseWriter: c.Response().Writer}
		c.Response().Writer = w
		defer func() {
			c.Response().Writer = w.ResponseWriter
			if w.status != 0 { // otherwise the error has its own answer
				w.end()
			}
		}()
		return get(c)
	}
}

// A headWriter counts the content of a response instead of writing it, and holds the status back until the length is
// known.
type headWriter struct {
	http.ResponseWriter
	status int // 0 before WriteHeader
	length int // in bytes
}

// WriteHeader implements [http.ResponseWriter].
func (w *headWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write implements [http.ResponseWriter].
func (w *headWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.length += len(b)
	return len(b), nil
}

// FlushError implements [http.ResponseController.Flush]. It does nothing, since there is nothing to send yet.
func (w *headWriter) FlushError() error { return nil }

// Unwrap returns the wrapped writer, for the deadlines of [http.ResponseController].
func (w *headWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// end sends the status and the header.
func (w *headWriter) end() {
	// RFC 9110 §8.6: a 204 has no Content-Length.
	if w.status != http.StatusNoContent && w.Header().Get(echo.HeaderContentLength) == "" {
		w.Header().Set(echo.HeaderContentLength, strconv.Itoa(w.length))
	}
	w.ResponseWriter.WriteHeader(w.status)
}

// isPreflight reports whether a request is a CORS preflight request (Fetch §4.8), with which a browser asks whether a
// page may send another one.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get(echo.HeaderAccessControlRequestMethod) != ""
}

// isOptionsOfNothing reports whether a request is an OPTIONS of a path that does not exist, and no preflight request.
func isOptionsOfNothing(c echo.Context) bool {
	return c.Request().Method == http.MethodOptions && !isPreflight(c.Request()) &&
		c.Get(echo.ContextKeyHeaderAllow) == nil
}

// unroutedAdmin responds to requests below the admin API's prefix that have no route: with the allowed methods if the
// path has any, else with 404. It runs after the admin token was checked, so that without one nothing tells which paths
// exist. The caller needs a role, no matter which.
func (s *Server) unroutedAdmin(c echo.Context) error {
	if err := needRole(c, token.Roles()[1:]...); err != nil {
		return err
	}
	allowed := s.allowed(c)
	if len(allowed) == 0 {
		return echo.ErrNotFound
	}
	c.Response().Header().Set(echo.HeaderAllow, strings.Join(append([]string{http.MethodOptions}, allowed...), ", "))
	if c.Request().Method == http.MethodOptions {
		return c.NoContent(http.StatusNoContent)
	}
	return echo.ErrMethodNotAllowed
}

// allowed returns the methods that the path of a request has. It asks the router about each of them, since several
// patterns may match one path: POST /clients/seen is one route, GET /clients/:id another.
func (s *Server) allowed(c echo.Context) []string {
	var list []string
	probe := c.Echo().AcquireContext()
	defer c.Echo().ReleaseContext(probe)
	for _, method := range methods {
		probe.Reset(c.Request(), nil)
		c.Echo().Router().Find(method, echo.GetPath(c.Request()), probe)
		if s.calls[call{method, probe.Path()}] {
			list = append(list, method)
		}
	}
	return list
}
