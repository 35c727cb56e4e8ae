// With the config {"name": …} it patches the name of the request; without, it logs the name before and after its base,
// and in a later step.
export function set_grant_types({ config, patchRequest, base }) {
  if (config.name) patchRequest({ client_name: config.name });
  else console.log(registrar.request.client_name);
  base();
  if (!config.name) console.log(registrar.request.client_name);
}

export function set_client_name({ config, request, base }) {
  if (!config.name) console.log(request.client_name);
  base();
}
