package engine

import (
	"context"
	"strconv"
	"strings"
)

// setLogoutParameters copies the members for logout.
func setLogoutParameters(_ context.Context, r *Registration) error {
	in, out := &r.Request.Metadata, &r.Client.Metadata
	if err := anyURI.checkAll("post_logout_redirect_uris", in.PostLogoutRedirectURIs); err != nil {
		return err
	}
	if err := checkFrontChannel(in.FrontChannelLogoutURI, out.RedirectURIs); err != nil {
		return err
	}
	if in.BackChannelLogoutURI != "" {
		rule := httpsOnly
		if out.TokenEndpointAuthMethod != authMethodNone {
			rule = webPage // OpenID Connect Back-Channel Logout 1.0 §2.2: http only for confidential clients
		}
		if _, err := rule.check("backchannel_logout_uri", in.BackChannelLogoutURI); err != nil {
			return err
		}
	}
	out.PostLogoutRedirectURIs = in.PostLogoutRedirectURIs
	out.FrontChannelLogoutURI = in.FrontChannelLogoutURI
	out.FrontChannelLogoutSessionRequired = in.FrontChannelLogoutSessionRequired
	out.BackChannelLogoutURI = in.BackChannelLogoutURI
	out.BackChannelLogoutSessionRequired = in.BackChannelLogoutSessionRequired
	return nil
}

// checkFrontChannel checks that the front-channel logout URI has the scheme, host and port of a redirect URI (OpenID
// Connect Front-Channel Logout 1.0 §2).
func checkFrontChannel(s string, redirectURIs []string) error {
	if s == "" {
		return nil
	}
	u, err := webPage.check("frontchannel_logout_uri", s)
	if err != nil {
		return err
	}
	for _, redirect := range redirectURIs {
		if r, problem := redirectURI.read(redirect); problem == "" && r.sameOrigin(u) {
			return nil
		}
	}
	return Refuse("frontchannel_logout_uri must have the scheme, host and port of a redirect URI")
}

// sameOrigin reports whether two URIs have the same scheme, host and port (RFC 6454 §5). The port that a scheme has by
// default may be left out.
func (u uri) sameOrigin(v uri) bool {
	return u.scheme == v.scheme && strings.EqualFold(u.host, v.host) && u.effectivePort() == v.effectivePort()
}

// effectivePort returns the port of an http or https URI, with the default port if it has none.
func (u uri) effectivePort() string {
	if u.port == "" {
		return strconv.FormatUint(defaultPort(u.scheme), 10)
	}
	return u.port
}
