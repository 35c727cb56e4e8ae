//go:build wasip1

// Command mcp-policy registers clients of the Model Context Protocol: applications on a user's machine, which cannot
// keep a secret. They may use only the authorization code grant, which PKCE protects, and redirect URIs with https or a
// loopback host. Their refresh tokens are for one use and last as many days as the config says, by default 30:
// {"refresh_token_days":30}.
package main

import (
	"slices"
	"strconv"

	"registrar/sdk/go/registrar"
)

//go:wasmexport set_grant_types
func setGrantTypes() int32 {
	request := registrar.Request()
	if method := request.Get("token_endpoint_auth_method").Text(); method != "" && method != "none" {
		return registrar.Refuse(registrar.InvalidClientMetadata,
			"token_endpoint_auth_method: only public clients are registered here; send none")
	}
	for _, grant := range request.Get("grant_types").Strings() {
		if grant != "authorization_code" && grant != "refresh_token" {
			return registrar.Refuse(registrar.InvalidClientMetadata,
				"grant_types: only authorization_code and refresh_token are allowed here")
		}
	}
	for _, kind := range request.Get("response_types").Strings() {
		if kind != "code" {
			return registrar.Refuse(registrar.InvalidClientMetadata, "response_types: only code is allowed here")
		}
	}
	if registrar.Base() != registrar.Done {
		return registrar.Refused
	}
	// RFC 7591 §2: the default is client_secret_basic, which is not allowed here.
	change(registrar.Set("token_endpoint_auth_method", "none"))
	// RFC 9700 §4.14.2: refresh tokens of public clients are rotated.
	if slices.Contains(registrar.Client().Get("grant_types").Strings(), "refresh_token") {
		change(registrar.Patch(`{"refresh_token_usage":"OneTimeOnly","refresh_token_expiration":"Sliding",` +
			`"sliding_refresh_token_lifetime":` + strconv.FormatInt(days()*24*60*60, 10) + `}`))
	}
	return registrar.Done
}

func days() int64 {
	if n, ok := registrar.Config().Get("refresh_token_days").Int(); ok && n > 0 {
		return n
	}
	return 30
}

// change fails the script if the host rejected a change, so that the policy is enforced completely.
func change(err error) {
	if err != nil {
		panic(err)
	}
}

//go:wasmexport set_redirect_uris
func setRedirectURIs() int32 {
	if registrar.Base() != registrar.Done {
		return registrar.Refused
	}
	for i, text := range registrar.Client().Get("redirect_uris").Strings() {
		uri, _ := registrar.ParseURI(text) // text that is no URI has no scheme
		loopback := slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, uri.Host)
		if uri.Scheme != "https" && (uri.Scheme != "http" || !loopback) {
			return registrar.Refuse(registrar.InvalidRedirectURI,
				"redirect_uris["+strconv.Itoa(i)+"]: only https, and http on a loopback host, are allowed here")
		}
	}
	return registrar.Done
}

func main() {}
