//go:build wasip1

// Command redirect-allowlist allows redirect URIs only on the hosts of the environment that its config names:
//
//	{"environment":"staging","hosts":{"staging":["localhost",".staging.example"],"production":["app.example"]}}
//
// A host that begins with a dot allows all of its subdomains. All hosts but localhost require https. The script fails
// for an environment that has no list of hosts.
package main

import (
	"strconv"
	"strings"

	"registrar/sdk/go/registrar"
)

//go:wasmexport set_redirect_uris
func setRedirectURIs() int32 {
	if registrar.Base() != registrar.Done {
		return registrar.Refused
	}
	config := registrar.Config()
	environment := config.Require("environment").Text()
	hosts := config.Require("hosts", environment).Strings()
	for i, text := range registrar.Client().Get("redirect_uris").Strings() {
		uri, ok := registrar.ParseURI(text)
		if !ok || !allowed(uri, hosts) {
			registrar.Log(registrar.LevelInfo, "refused the host "+uri.Host+" in "+environment)
			return registrar.Refuse(registrar.InvalidRedirectURI,
				"redirect_uris["+strconv.Itoa(i)+"]: its host is not allowed in this environment")
		}
	}
	return registrar.Done
}

func allowed(uri registrar.URI, hosts []string) bool {
	host := uri.Host
	if uri.Scheme != "https" && (uri.Scheme != "http" || host != "localhost") {
		return false
	}
	for _, h := range hosts {
		if h != "" && (host == h || h[0] == '.' && strings.HasSuffix(host, h)) {
			return true
		}
	}
	return false
}

func main() {}
