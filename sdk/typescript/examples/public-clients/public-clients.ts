// Makes every client public, also one that asks for a secret. The built-in steps read the patched request, so that none
// of them refuses the client for what it sent.

export function set_grant_types({ patchRequest, refuse, base }: Registrar): void {
  try {
    patchRequest({ token_endpoint_auth_method: "none", require_client_secret: null });
  } catch {
    refuse("invalid_client_metadata", "only public clients can register here");
  }
  base();
}
