package engine

import (
	"context"
	"net/url"
)

// setPublicClientProperties copies IdentityServer's members for clients that run in a browser.
func setPublicClientProperties(_ context.Context, r *Registration) error {
	in, out := &r.Request.Metadata, &r.Client.Metadata
	if need := in.RequireClientSecret; need != nil {
		method := out.TokenEndpointAuthMethod
		switch {
		case !*need && usesSharedSecret(method):
			return Refuse("require_client_secret is false, but token_endpoint_auth_method %s uses one", method)
		case *need && method == authMethodNone:
			return Refuse("require_client_secret is true, but token_endpoint_auth_method is none")
		}
	}
	for i, s := range in.AllowedCORSOrigins {
		if u, err := url.Parse(s); err != nil || !isHTTP(u) || u.Host == "" || s != u.Scheme+"://"+u.Host {
			return Refuse("allowed_cors_origins[%d] must be an origin: only scheme, host and port, such as "+
				"https://app.example", i)
		}
	}
	out.RequireClientSecret = in.RequireClientSecret
	out.AllowedCORSOrigins = in.AllowedCORSOrigins
	return nil
}
