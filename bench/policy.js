// Registers only clients whose redirect URIs are https, at a domain of config.domains or below it, and makes their IDs.
export function set_redirect_uris({ request, config, base, refuse, parseURI }) {
  for (const text of request.redirect_uris ?? []) {
    const uri = parseURI(text);
    const allowed = uri?.scheme === "https" &&
      config.domains.some((domain) => uri.host === domain || uri.host.endsWith("." + domain));
    if (!allowed) refuse("invalid_redirect_uri", `redirect_uris: ${text} is not at an allowed domain`);
  }
  base();
}

export function add_client_id({ setClientId, randomHex }) {
  setClientId("js-" + randomHex(16));
}
