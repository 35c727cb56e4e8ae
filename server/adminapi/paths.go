package adminapi

import (
	"net/url"
	"strings"
)

// Prefix begins every path of the admin API.
const Prefix = "/admin/v1"

// The paths of the admin API, as the server routes them and the client calls them. A part that begins with a colon is a
// parameter.
const (
	PathModules     = Prefix + "/modules"
	PathModule      = PathModules + "/:digest"
	PathModuleBytes = PathModule + "/wasm"

	PathDeployments       = Prefix + "/deployments"
	PathCurrentDeployment = PathDeployments + "/current"
	PathDeployment        = PathDeployments + "/:number"

	PathDryRun  = Prefix + "/dry-run"
	PathShadows = Prefix + "/shadows"
	PathReplay  = Prefix + "/replay"

	PathClients           = Prefix + "/clients"
	PathClient            = PathClients + "/:id"
	PathRotateSecret      = PathClient + "/rotate-secret"
	PathVerifySecret      = PathClient + "/verify-secret"
	PathSeen              = PathClients + "/seen"
	PathMetadataDocuments = Prefix + "/metadata-documents"

	PathInitialAccessTokens = Prefix + "/initial-access-tokens"
	PathInitialAccessToken  = PathInitialAccessTokens + "/:id"
)

// fill returns a path with its one parameter replaced by value, escaped.
func fill(path, value string) string {
	before, after, _ := strings.Cut(path, ":")
	_, after, more := strings.Cut(after, "/")
	if more {
		after = "/" + after
	}
	return before + url.PathEscape(value) + after
}

// The length of a page of a listing.
const (
	DefaultPage = 100  // unless a limit is given
	MaxPage     = 1000 // whatever limit is given
)
