package engine

import (
	"context"
	"net/url"
	"strings"
)

// setLogoutParameters copies where users go, and who hears of it, when they log out.
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
			rule = webPage // OpenID Connect Back-Channel Logout 1.0 §2.2: http is for confidential clients alone
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

// checkFrontChannel checks that the page which is loaded at a logout belongs to the client (OpenID Connect
// Front-Channel Logout 1.0 §2: scheme, host and port of a redirect URI).
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

// origin returns the host and the port of an http or https URI, the default port filled in.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[bool]string{true: "443", false: "80"}[u.Scheme == "https"]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}
