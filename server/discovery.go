package server

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// discoveryAge is the Cache-Control header of the discovery document.
const discoveryAge = "max-age=300"

func (s *Server) routeDiscovery() {
	if s.config.Discovery == nil {
		return
	}
	for _, path := range wellKnown(s.config.Issuer) {
		s.public.GET(path, s.discovery)
	}
}

// wellKnown returns the paths of an issuer's metadata. RFC 8414 §3.1 puts the issuer's path, without its trailing
// slash, after the well-known one; OpenID Connect Discovery 1.0 §4 puts it before.
func wellKnown(issuer string) []string {
	const oauth, openID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
	path := ""
	if u, err := url.Parse(issuer); err == nil {
		// The router matches a path as net/http leaves it: in RawPath if it is encoded in an unusual way, else decoded.
		path = strings.TrimSuffix(cmp.Or(u.RawPath, u.Path), "/")
	}
	if path == "" {
		return []string{oauth, openID}
	}
	path = strings.ReplaceAll(path, ":", `\:`) // otherwise a colon begins a parameter
	return []string{oauth + path, openID + path, path + openID}
}

// discovery responds with the authorization server's metadata (RFC 8414 §3.2).
func (s *Server) discovery(c echo.Context) error {
	document, err := s.config.Discovery()
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, discoveryAge)
	return c.JSONBlob(http.StatusOK, document)
}
