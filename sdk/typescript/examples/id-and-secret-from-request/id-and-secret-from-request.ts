// Sets the client ID and the secret from the request's members `requested_client_id` and `requested_client_secret`. An
// ID that is taken is refused. The server generates what is not requested.

export function add_client_id({ request, refuse, base, clientExists, setClientId }: Registrar): void {
  const id = (request as JSONObject).requested_client_id ?? null;
  if (id === null) return base();
  if (typeof id !== "string" || !/^[0-9A-Za-z_-]{1,64}$/.test(id))
    return refuse("invalid_client_metadata", "requested_client_id must be 1 to 64 letters, digits, - and _");
  if (clientExists(id)) refuse("invalid_client_metadata", "requested_client_id is taken");
  setClientId(id);
}

// The step runs only for clients that need a secret; public clients get none.
export function generate_secret({ request, refuse, base, setClientSecret }: Registrar): void {
  const secret = (request as JSONObject).requested_client_secret ?? null;
  if (secret === null) return base();
  if (typeof secret !== "string" || !/^[!-~]{32,255}$/.test(secret))
    return refuse("invalid_client_metadata", "requested_client_secret must be 32 to 255 visible ASCII characters");
  setClientSecret(secret);
}
