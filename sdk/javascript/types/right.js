// @ts-check

/** @type {Step} */
export function set_logout_parameters({ request, refuse, base }) {
  if (request.frontchannel_logout_uri) refuse("invalid_client_metadata", "no logout in frames");
  base();
}

/** @param {Registrar<{ suffix: string }>} registrar */
export function set_scopes({ config, request, base }) {
  console.log(request.scope?.split(" ").map((scope) => scope + config.suffix.trim()));
  base();
}
