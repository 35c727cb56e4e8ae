package adminapi

import (
	"net/url"
	"strings"
)

// Prefix begins every path of the admin API.
const Prefix = "/admin/v1"

// The paths of the admin API. A segment that begins with a colon is a parameter.
const (
	PathModules     = Prefix + "/modules"
	PathModule      = PathModules + "/:digest"
	PathModuleBytes = PathModule + "/wasm"

	PathDeployments       = Prefix + "/deployments"
	PathCurrentDeployment = PathDeployments + "/current"
	PathDeployment        = PathDeployments + "/:number"

	PathReplicas = Prefix + "/replicas"

	PathDryRun  = Prefix + "/dry-run"
	PathShadows = Prefix + "/shadows"
	PathReplay  = Prefix + "/replay"

	PathClients      = Prefix + "/clients"
	PathClient       = PathClients + "/:id"
	PathRotateSecret = PathClient + "/rotate-secret"
	PathVerifySecret = PathClient + "/verify-secret"
	PathDisable      = PathClient + "/disable"
	PathEnable       = PathClient + "/enable"
	PathReissueToken = PathClient + "/reissue-token"
	PathSeen         = PathClients + "/seen"

	PathMetadataDocuments = Prefix + "/metadata-documents"
	PathDocumentPin       = PathMetadataDocuments + "/pin"
	PathDocumentRefresh   = PathMetadataDocuments + "/refresh"
	PathDocumentHistory   = PathMetadataDocuments + "/history"

	PathInitialAccessTokens = Prefix + "/initial-access-tokens"
	PathInitialAccessToken  = PathInitialAccessTokens + "/:id"

	PathAdminTokens = Prefix + "/admin-tokens"
	PathAdminToken  = PathAdminTokens + "/:id"
)

// fill returns a path with its parameter replaced by value, escaped.
func fill(path, value string) string {
	before, after, _ := strings.Cut(path, ":")
	_, after, more := strings.Cut(after, "/")
	if more {
		after = "/" + after
	}
	return before + url.PathEscape(value) + after
}

// The number of elements in a page of a list.
const (
	DefaultPage = 100  // without a limit
	MaxPage     = 1000 // larger limits have the same effect
)
