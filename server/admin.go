package server

import (
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/labstack/echo/v4"

	"registrar/internal/token"
)

// maxAdminBody bounds the JSON that the admin API reads, in bytes.
const maxAdminBody = 8 << 20

func (s *Server) routeAdmin() {
	s.admin.GET("/readyz", s.ready)
	if s.config.Metrics != nil {
		s.admin.GET("/metrics", echo.WrapHandler(s.config.Metrics))
	}
	api := s.admin.Group("/admin/v1", s.administrator)
	api.POST("/modules", s.uploadModule)
	api.GET("/modules", s.listModules)
	api.GET("/modules/:digest", s.showModule)
	api.GET("/modules/:digest/wasm", s.downloadModule)
	api.DELETE("/modules/:digest", s.deleteModule)
	api.POST("/deployments", s.deploy)
	api.GET("/deployments", s.listDeployments)
	api.GET("/deployments/current", s.currentDeployment)
	api.GET("/deployments/:number", s.showDeployment)
	api.POST("/dry-run", s.dryRun)
	api.GET("/shadows", s.listShadows)
	api.POST("/replay", s.replay)
	api.GET("/metadata-documents", s.metadataDocument)
	api.GET("/clients", s.listClients)
	api.GET("/clients/:id", s.showClient)
	api.DELETE("/clients/:id", s.deleteClient)
	api.POST("/initial-access-tokens", s.createInitialAccessToken)
	api.GET("/initial-access-tokens", s.listInitialAccessTokens)
	api.DELETE("/initial-access-tokens/:id", s.deleteInitialAccessToken)
	api.POST("/clients/:id/rotate-secret", s.rotateSecret)
	api.POST("/clients/:id/verify-secret", s.verifySecret)
	api.POST("/clients/seen", s.markSeen)
}

// ready says whether the server can do its work: the database answers, and the deployment in force is loaded.
func (s *Server) ready(c echo.Context) error {
	if err := s.config.Ready(c.Request().Context()); err != nil {
		s.config.Logger.WarnContext(c.Request().Context(), "not ready", "error", err)
		return writeJSON(c, http.StatusServiceUnavailable, echo.MIMEApplicationJSON, map[string]string{"status": "not ready"})
	}
	return writeJSON(c, http.StatusOK, echo.MIMEApplicationJSON, map[string]string{"status": "ready"})
}

// administrator lets those in who have an admin token.
func (s *Server) administrator(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		noStore(c)
		scheme, presented, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
		if !strings.EqualFold(scheme, "Bearer") || presented == "" {
			return &unauthorizedError{description: "the admin API needs an admin token: Authorization: Bearer …"}
		}
		hashes, err := s.config.AdminTokens(c.Request().Context())
		if err != nil {
			return fmt.Errorf("reading the admin tokens: %w", err)
		}
		sent, known := token.Hash(presented), 0
		for _, hash := range hashes {
			known |= subtle.ConstantTimeCompare(sent[:], hash[:])
		}
		if known == 0 {
			return &unauthorizedError{token: true, description: "this is no admin token"}
		}
		c.Set(administratorKey, "admin token "+hex.EncodeToString(sent[:4]))
		return next(c)
	}
}

// administratorKey is where a request's context says who calls: the beginning of the hash of their token, which tells
// tokens apart and opens nothing.
const administratorKey = "administrator"

// readJSON reads a strict JSON object of the admin API into v.
func readJSON(c echo.Context, v any) error {
	b, err := body(c, echo.MIMEApplicationJSON, maxAdminBody)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v, json.RejectUnknownMembers(true)); err != nil {
		return &statusError{http.StatusBadRequest, strings.TrimPrefix(err.Error(), "json: ")}
	}
	return nil
}

// reply answers with a document.
func reply(c echo.Context, status int, document any) error {
	return writeJSON(c, status, echo.MIMEApplicationJSON, document)
}
