// Allows redirect URIs only on the hosts of the environment that the config names:
//
//	{"environment": "staging", "hosts": {"staging": ["localhost", ".staging.example"], "production": ["app.example"]}}
//
// A host that begins with a dot allows all of its subdomains. All hosts but localhost require https. The script fails
// for an environment that has no list of hosts.

export function set_redirect_uris(registrar: Registrar): void {
  const { required, refuse, base, parseURI } = registrar;
  base();
  const environment = required("environment").text();
  const hosts = required("hosts", environment).strings();
  registrar.client.redirect_uris?.forEach((text, i) => {
    const uri = parseURI(text);
    if (allowed(uri, hosts)) return;
    console.info(`refused the host ${uri?.host ?? ""} in ${environment}`);
    refuse("invalid_redirect_uri", `redirect_uris[${i}]: its host is not allowed in this environment`);
  });
}

function allowed(uri: URIParts | null, hosts: readonly string[]): boolean {
  const host = uri?.host;
  if (!uri || !host || (uri.scheme !== "https" && !(uri.scheme === "http" && host === "localhost"))) return false;
  return hosts.some((rule) => host === rule || (rule.startsWith(".") && host.endsWith(rule)));
}
