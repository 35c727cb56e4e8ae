// Allows redirect URIs only on the hosts of the environment that the config names:
//
//	{"environment": "staging", "hosts": {"staging": ["localhost", ".staging.example"], "production": ["app.example"]}}
//
// A host that begins with a dot allows all of its subdomains. All hosts but localhost require https. An environment
// without hosts allows none.
interface Config {
  readonly environment?: string;
  readonly hosts?: { readonly [environment: string]: readonly string[] };
}

export function set_redirect_uris({ request, config, refuse, base, parseURI }: Registrar<Config>): void {
  const environment = config.environment ?? "";
  const hosts = config.hosts?.[environment] ?? [];
  request.redirect_uris?.forEach((text, i) => {
    const uri = parseURI(text);
    if (allowed(uri, hosts)) return;
    console.info(`refused the host ${uri?.host} in ${environment}`);
    refuse("invalid_redirect_uri", `redirect_uris[${i}]: its host is not allowed in this environment`);
  });
  base();
}

function allowed(uri: URIParts | null, hosts: readonly string[]): boolean {
  const host = uri?.host;
  if (!uri || !host || (uri.scheme !== "https" && !(uri.scheme === "http" && host === "localhost"))) return false;
  return hosts.some((rule) => host === rule || (rule.startsWith(".") && host.endsWith(rule)));
}
