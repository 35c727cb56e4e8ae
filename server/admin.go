package server

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"registrar/internal/strictjson"
	"registrar/internal/token"
	"registrar/server/adminapi"
)

// maxAdminBody bounds a JSON request body of the admin API, in bytes.
const maxAdminBody = 8 << 20

// A route is one call of the admin API.
type route struct {
	method, path string // path is a constant of package adminapi
	handle       echo.HandlerFunc
}

// adminRoutes returns the calls of the admin API.
func (s *Server) adminRoutes() []route {
	return []route{
		{http.MethodPost, adminapi.PathModules, s.uploadModule},
		{http.MethodGet, adminapi.PathModules, s.listModules},
		{http.MethodGet, adminapi.PathModule, s.showModule},
		{http.MethodGet, adminapi.PathModuleBytes, s.downloadModule},
		{http.MethodDelete, adminapi.PathModule, s.deleteModule},

		{http.MethodPost, adminapi.PathDeployments, s.deploy},
		{http.MethodGet, adminapi.PathDeployments, s.listDeployments},
		{http.MethodGet, adminapi.PathCurrentDeployment, s.currentDeployment},
		{http.MethodGet, adminapi.PathDeployment, s.showDeployment},

		{http.MethodGet, adminapi.PathReplicas, s.listReplicas},

		{http.MethodPost, adminapi.PathDryRun, s.dryRun},
		{http.MethodGet, adminapi.PathShadows, s.listShadows},
		{http.MethodPost, adminapi.PathReplay, s.replay},

		{http.MethodGet, adminapi.PathClients, s.listClients},
		{http.MethodGet, adminapi.PathClient, s.showClient},
		{http.MethodDelete, adminapi.PathClient, s.deleteClient},
		{http.MethodPost, adminapi.PathRotateSecret, s.rotateSecret},
		{http.MethodPost, adminapi.PathVerifySecret, s.verifySecret},
		{http.MethodPost, adminapi.PathSeen, s.markSeen},
		{http.MethodGet, adminapi.PathMetadataDocuments, s.metadataDocument},

		{http.MethodPost, adminapi.PathInitialAccessTokens, s.createInitialAccessToken},
		{http.MethodGet, adminapi.PathInitialAccessTokens, s.listInitialAccessTokens},
		{http.MethodDelete, adminapi.PathInitialAccessToken, s.deleteInitialAccessToken},
	}
}

// routeAdmin adds the routes of the admin listener. With the group, requests below its prefix that have no route need a
// token too.
func (s *Server) routeAdmin() {
	s.admin.Use(s.onlyLoopbackHosts)
	s.admin.GET("/readyz", s.readyAdmin)
	if s.config.Metrics != nil {
		s.admin.GET("/metrics", echo.WrapHandler(s.config.Metrics))
	}
	api := s.admin.Group(adminapi.Prefix, s.withDeadline, s.administrator)
	for _, path := range []string{"", "/*"} {
		api.RouteNotFound(path, s.unroutedAdmin)
	}
	for _, r := range s.adminRoutes() {
		api.Add(r.method, strings.TrimPrefix(r.path, adminapi.Prefix), r.handle)
	}
}

// administrator rejects requests without a valid admin token.
func (s *Server) administrator(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		noStore(c)
		scheme, presented, err := authorization(c.Request().Header)
		if err != nil {
			return &unauthorizedError{token: true, description: "the admin token is not valid", cause: err}
		}
		if !strings.EqualFold(scheme, "Bearer") || presented == "" {
			return &unauthorizedError{description: "the admin API needs an admin token: Authorization: Bearer …"}
		}
		// A call that may wait for a compiler waits no longer for the database than others.
		ctx, cancel := context.WithTimeout(c.Request().Context(), s.config.RequestTimeout)
		defer cancel()
		hashes, err := s.config.AdminTokens(ctx)
		if err != nil {
			return fmt.Errorf("reading the admin tokens: %w", err)
		}
		sent, known := token.Hash(presented), 0
		for _, hash := range hashes {
			known |= subtle.ConstantTimeCompare(sent[:], hash[:])
		}
		if known == 0 {
			return &unauthorizedError{token: true, description: "the admin token is not valid"}
		}
		c.Set(administratorKey, "admin token "+hex.EncodeToString(sent[:4]))
		return next(c)
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
