// Registers only clients whose redirect URIs are all in the config, {"redirect_uris": ["https://app.example/cb"]}.
// Without a config it allows none. config.schema.json says which config the server takes.

/** @param {Registrar<{ redirect_uris?: string[] }>} registrar */
export function set_redirect_uris({ request, config, refuse, base }) {
  for (const uri of request.redirect_uris ?? [])
    if (!config.redirect_uris?.includes(uri))
      refuse("invalid_redirect_uri", `redirect_uris: ${uri} is not allowed here`);
  base();
}
