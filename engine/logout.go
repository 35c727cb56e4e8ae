package engine

import (
	"context"
	"net/url"
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
		if r, err := url.Parse(redirect); err == nil && r.Scheme == u.Scheme && origin(r) == origin(u) {
			return nil
		}
	}
	return Refuse("frontchannel_logout_uri must have the scheme, host and port of a redirect URI")
}

// origin returns the host and the port of an http or https URI, with the default port if it has none.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[bool]string{true: "443", false: "80"}[u.Scheme == "https"]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}
