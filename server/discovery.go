package server

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// discoveryAge is how long others may keep the discovery document, in seconds.
const discoveryAge = "max-age=300"

func (s *Server) routeDiscovery() {
	if s.config.Discovery == nil {
		return
	}
	for _, path := range wellKnown(s.config.Issuer) {
		s.public.GET(path, s.discovery)
	}
}

// wellKnown returns where an issuer's metadata is. RFC 8414 §3.1: the path of the issuer comes after the well-known one,
// without the slash at its end. OpenID Connect Discovery 1.0 §4 puts it before.
func wellKnown(issuer string) []string {
	const oauth, openID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
	path := ""
	if u, err := url.Parse(issuer); err == nil {
		path = strings.TrimSuffix(u.EscapedPath(), "/")
	}
	if path == "" {
		return []string{oauth, openID}
	}
	path = strings.ReplaceAll(path, ":", `\:`) // a colon would begin a parameter
	return []string{oauth + path, openID + path, path + openID}
}

// discovery answers the authorization server's metadata (RFC 8414 §3.2).
func (s *Server) discovery(c echo.Context) error {
	document, err := s.config.Discovery()
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, discoveryAge)
	return c.JSONBlob(http.StatusOK, document)
}
