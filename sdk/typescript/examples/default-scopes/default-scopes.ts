// Gives clients that request no scope those of the config: {"scopes": ["openid", "profile"]}.
interface Config {
  readonly scopes?: readonly string[];
}

export function set_default_scopes({ config, base, patch }: Registrar<Config>): void {
  if (!config.scopes?.length) return base();
  patch({ scope: config.scopes.join(" ") });
}
