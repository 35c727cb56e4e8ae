package engine

import "context"

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
	origins, err := checkOrigins(in.AllowedCORSOrigins)
	if err != nil {
		return err
	}
	out.RequireClientSecret = in.RequireClientSecret
	out.AllowedCORSOrigins = origins
	return nil
}
