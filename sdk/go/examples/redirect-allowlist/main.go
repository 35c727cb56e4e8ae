//go:build wasip1

// Command redirect-allowlist lets clients be sent back only to the hosts of the environment in which it is deployed:
//
//	{"environment":"staging","hosts":{"staging":["localhost",".staging.example"],"production":["app.example"]}}
//
// A host that begins with a dot stands for all that end in it. Everything but localhost needs https. An environment that
// has no hosts allows none.
package main

import (
	"net/url"
	"strconv"
	"strings"

	"registrar/sdk/go/registrar"
)

//go:wasmexport set_redirect_uris
func setRedirectURIs() int32 {
	config := registrar.Config()
	environment := config.Get("environment").Text()
	hosts := config.Get("hosts", environment).Strings()
	for i, text := range registrar.Request().Get("redirect_uris").Strings() {
		uri, err := url.Parse(text)
		if err != nil {
			break // the base says what is wrong with it
		}
		if !allowed(uri, hosts) {
			registrar.Log(registrar.LevelInfo, "refused the host "+uri.Hostname()+" in "+environment)
			return registrar.Refuse(registrar.InvalidRedirectURI, "redirect_uris["+strconv.Itoa(i)+"]: its host is not allowed in this environment")
		}
	}
	return registrar.Base()
}

func allowed(uri *url.URL, hosts []string) bool {
	host := strings.ToLower(uri.Hostname())
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
