// Registers only clients whose redirect URIs are all in the config, {"redirect_uris": ["https://app.example/cb"]}.

/** @param {Registrar} registrar */
export function set_redirect_uris(registrar) {
  registrar.base();
  const allowed = registrar.required("redirect_uris").strings();
  for (const uri of registrar.client.redirect_uris ?? [])
    if (!allowed.includes(uri))
      registrar.refuse("invalid_redirect_uri", `redirect_uris: ${uri} is not allowed here`);
}
