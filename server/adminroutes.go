package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"registrar/internal/token"
	"registrar/server/adminapi"
)

// A route is one call of the admin API.
type route struct {
	method, path string // path is a constant of package adminapi
	roles        []token.Role
	handle       echo.HandlerFunc
}

// allow returns the roles that may make a call. [token.RoleAdmin] may make each, and needs no entry.
func allow(roles ...token.Role) []token.Role { return roles }

// Roles of several routes.
var (
	onlyAdmin      = allow()
	readOnly       = allow(token.RoleRead)
	changeScripts  = allow(token.RoleScripts)
	readScripts    = allow(token.RoleScripts, token.RoleRead)
	changeClients  = allow(token.RoleClients)
	readClients    = allow(token.RoleClients, token.RoleRead)
	lookUpClients  = allow(token.RoleLookup, token.RoleClients, token.RoleRead) // read one client by its ID
	checkClients   = allow(token.RoleLookup, token.RoleClients)                 // verify its secret, mark it as seen
	changeTokens   = allow(token.RoleTokens)
	readTokens     = allow(token.RoleTokens, token.RoleRead)
	readOperations = allow(token.RoleScripts, token.RoleRead) // after a deployment: do all servers follow?
)

// adminRoutes returns the calls of the admin API, each with the roles of which a caller needs one. HEAD is as GET. The
// tables of docs/http.md and openapi.yaml (x-roles) say the same, as a test checks.
func (s *Server) adminRoutes() []route {
	return []route{
		{http.MethodPost, adminapi.PathModules, changeScripts, s.uploadModule},
		{http.MethodGet, adminapi.PathModules, readScripts, s.listModules},
		{http.MethodGet, adminapi.PathModule, readScripts, s.showModule},
		{http.MethodGet, adminapi.PathModuleBytes, readScripts, s.downloadModule},
		{http.MethodDelete, adminapi.PathModule, changeScripts, s.deleteModule},

		{http.MethodPost, adminapi.PathDeployments, changeScripts, s.deploy},
		{http.MethodGet, adminapi.PathDeployments, readScripts, s.listDeployments},
		{http.MethodGet, adminapi.PathCurrentDeployment, readScripts, s.currentDeployment},
		{http.MethodGet, adminapi.PathDeployment, readScripts, s.showDeployment},

		{http.MethodGet, adminapi.PathReplicas, readOperations, s.listReplicas},

		{http.MethodPost, adminapi.PathDryRun, changeScripts, s.dryRun},
		{http.MethodGet, adminapi.PathShadows, readScripts, s.listShadows},
		{http.MethodPost, adminapi.PathReplay, changeScripts, s.replay},

		{http.MethodGet, adminapi.PathClients, lookUpClients, s.listClients}, // readClients without client_id
		{http.MethodPost, adminapi.PathClients, changeClients, s.createClient},
		{http.MethodGet, adminapi.PathClient, lookUpClients, s.showClient},
		{http.MethodPut, adminapi.PathClient, changeClients, s.replaceClient},
		{http.MethodPatch, adminapi.PathClient, changeClients, s.patchClient},
		{http.MethodDelete, adminapi.PathClient, changeClients, s.deleteClient},
		{http.MethodPost, adminapi.PathDisable, changeClients, s.disableClient},
		{http.MethodPost, adminapi.PathEnable, changeClients, s.enableClient},
		{http.MethodPost, adminapi.PathReissueToken, changeClients, s.reissueToken},
		{http.MethodPost, adminapi.PathRotateSecret, changeClients, s.rotateSecret},
		{http.MethodPost, adminapi.PathVerifySecret, checkClients, s.verifySecret},
		{http.MethodPost, adminapi.PathSeen, checkClients, s.markSeen},

		{http.MethodGet, adminapi.PathMetadataDocuments, lookUpClients, s.metadataDocument},
		{http.MethodPost, adminapi.PathDocumentRefresh, changeClients, s.refreshDocument},
		{http.MethodPut, adminapi.PathDocumentPin, changeClients, s.pinDocument},
		{http.MethodDelete, adminapi.PathDocumentPin, changeClients, s.unpinDocument},
		{http.MethodGet, adminapi.PathDocumentHistory, readClients, s.documentHistory},

		{http.MethodPost, adminapi.PathInitialAccessTokens, changeTokens, s.createInitialAccessToken},
		{http.MethodGet, adminapi.PathInitialAccessTokens, readTokens, s.listInitialAccessTokens},
		{http.MethodDelete, adminapi.PathInitialAccessToken, changeTokens, s.deleteInitialAccessToken},

		{http.MethodPost, adminapi.PathAdminTokens, onlyAdmin, s.createAdminToken},
		{http.MethodGet, adminapi.PathAdminTokens, readOnly, s.listAdminTokens},
		{http.MethodDelete, adminapi.PathAdminToken, onlyAdmin, s.revokeAdminToken},
	}
}
