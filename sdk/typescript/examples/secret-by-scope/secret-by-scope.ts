// Only callers with the scope in the config, {"scope": "secrets"}, may register clients with a secret; anyone may
// register public clients. The secret lasts as many days as the config says, {"days": 90}, by default the server's
// lifetime.
interface Config {
  readonly scope: string;
  readonly days?: number;
}

export function add_client_secret(registrar: Registrar<Config>): void {
  const { client, caller, config, required, refuse, base, randomHex, setClientSecret } = registrar;
  const scope = required("scope").text();
  if (!client.token_endpoint_auth_method?.startsWith("client_secret_")) return base();
  if (!caller.scopes?.includes(scope)) refuse("insufficient_scope", `a client secret needs the scope ${scope}`);
  if (!config.days) return base();
  if (config.days > 36_500) throw new Error("config: more than 36,500 days");
  setClientSecret(randomHex(32), config.days * 86_400);
}
