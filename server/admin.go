package server

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"registrar/internal/strictjson"
	"registrar/server/adminapi"
)

// maxAdminBody bounds a JSON request body of the admin API, in bytes.
const maxAdminBody = 8 << 20

// routeAdmin adds the routes of the admin listener. With the group, requests below its prefix that have no route need a
// token too.
func (s *Server) routeAdmin() {
	s.admin.Use(s.onlyLoopbackHosts)
	s.admin.GET("/readyz", s.readyAdmin)
	if s.config.Metrics != nil {
		s.admin.GET("/metrics", echo.WrapHandler(s.config.Metrics))
	}
	s.strangers = s.newFailures()
	api := s.admin.Group(adminapi.Prefix, s.withDeadline, s.administrator)
	for _, path := range []string{"", "/*"} {
		api.RouteNotFound(path, s.unroutedAdmin)
	}
	for _, r := range s.adminRoutes() {
		api.Add(r.method, strings.TrimPrefix(r.path, adminapi.Prefix), r.handle, onlyRoles(r.roles))
	}
}

// readJSON decodes a request body, which must be a strict JSON object, into v.
func readJSON(c echo.Context, v any) error {
	b, err := body(c, echo.MIMEApplicationJSON, maxAdminBody)
	if err != nil {
		return err
	}
	if err := strictjson.UnmarshalObject(b, v, ""); err != nil {
		return &statusError{http.StatusBadRequest, err.Error()}
	}
	return nil
}

// reply responds with a JSON document.
func reply(c echo.Context, status int, document any) error {
	return writeJSON(c, status, echo.MIMEApplicationJSON, document)
}
