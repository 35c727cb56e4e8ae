// Registers clients of the Model Context Protocol: applications on a user's machine, which cannot keep a secret. They
// may use only the authorization code grant, which PKCE protects, and redirect URIs with https or a loopback host.
// Their refresh tokens are for one use and last as many days as the config says, by default 30:
// {"refresh_token_days": 30}.
interface Config {
  readonly refresh_token_days?: number;
}

export function set_grant_types(registrar: Registrar<Config>): void {
  const { request, config, refuse, base, patch } = registrar;
  if ((request.token_endpoint_auth_method || "none") !== "none")
    refuse("invalid_client_metadata", "token_endpoint_auth_method: only public clients are registered here; send none");
  for (const grant of request.grant_types ?? [])
    if (grant !== "authorization_code" && grant !== "refresh_token")
      refuse("invalid_client_metadata", "grant_types: only authorization_code and refresh_token are allowed here");
  for (const type of request.response_types ?? [])
    if (type !== "code") refuse("invalid_client_metadata", "response_types: only code is allowed here");
  base();
  // RFC 7591 §2: the default is client_secret_basic, which is not allowed here.
  patch({ token_endpoint_auth_method: "none" });
  // RFC 9700 §4.14.2: refresh tokens of public clients are rotated.
  if (registrar.client.grant_types?.includes("refresh_token"))
    patch({
      refresh_token_usage: "OneTimeOnly",
      refresh_token_expiration: "Sliding",
      sliding_refresh_token_lifetime: days(config) * 86_400,
    });
}

function days({ refresh_token_days: days }: Config): number {
  return days !== undefined && days > 0 ? days : 30;
}

const loopback = new Set(["localhost", "127.0.0.1", "::1"]);

export function set_redirect_uris(registrar: Registrar): void {
  registrar.base();
  registrar.client.redirect_uris?.forEach((text, i) => {
    const uri = registrar.parseURI(text);
    if (uri?.scheme !== "https" && !(uri?.scheme === "http" && loopback.has(uri.host)))
      registrar.refuse("invalid_redirect_uri",
        `redirect_uris[${i}]: only https, and http on a loopback host, are allowed here`);
  });
}
