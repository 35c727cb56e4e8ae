// Restricts the client's scopes to those of the caller's token. A client that would have none left is refused.

export function set_scopes(registrar: Registrar): void {
  registrar.base();
  // The scopes after the base: with default scopes, and without those that the server does not allow.
  const scopes = registrar.client.scope?.split(" ") ?? [];
  const held = new Set(registrar.caller.scopes); // a list of 500 would be searched 500 times
  const kept = scopes.filter((scope) => {
    if (!held.has(scope)) console.info(`${scope} is dropped: the caller does not have it`);
    return held.has(scope);
  });
  if (kept.length === scopes.length) return;
  if (kept.length === 0)
    registrar.refuse("invalid_client_metadata",
      "scope: none of them is among the scopes of the token that registers the client");
  registrar.patch({ scope: kept.join(" ") });
}
