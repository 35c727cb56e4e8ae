// What the types allow.

interface Config {
  readonly hosts: readonly string[];
  readonly days?: number;
}

export function set_redirect_uris({ request, config, refuse, base, parseURI }: Registrar<Config>): void {
  for (const text of request.redirect_uris ?? []) {
    const uri = parseURI(text);
    if (uri === null) return refuse("invalid_redirect_uri", `${text} is not a URI`);
    const host: string | undefined = uri.host;
    if (host === undefined || uri.userinfo !== undefined || !config.hosts.includes(host))
      refuse("invalid_redirect_uri", `${text} is on another host`);
  }
  base();
}

export const set_client_name: Step = ({ request, client, patch, base }) => {
  const name: string | null | undefined = request.client_name;
  const german: string | null | undefined = request["client_name#de"];
  base();
  patch({ client_name: name ?? "App", "client_name#de": german ?? null, contacts: ["ops@app.example"] });
  const registered: string | undefined = client["client_name#de"];
  const extension: JSONValue | undefined = (client as JSONObject)["x_team"];
  console.log(registered, extension, client.client_id?.length);
};

export const set_max_age: Step = async ({ client, patch, tryBase, statement }) => {
  await Promise.resolve();
  if (!tryBase() && client.default_max_age === undefined) patch({ default_max_age: 3600, require_auth_time: null });
  const software = statement?.software_id;
  if (typeof software === "string") console.info(software.toUpperCase());
};

export function add_client_id({ caller, context, clientExists, randomHex, setClientId }: Registrar): void {
  const team = caller.claims?.team;
  if (context.operation === "register" && context.mode !== "shadow") console.debug(caller.auth === "jwt", caller.ip);
  let id: string;
  do id = `${typeof team === "string" ? team : "none"}-${randomHex(12)}`;
  while (clientExists(id));
  setClientId(id);
}

export function generate_secret({ random, setClientSecret, getItem, setItem, config, now }: Registrar<Config>): void {
  const bytes: Uint8Array = random(32);
  setItem("made", new Date(now()).toISOString());
  console.warn(getItem("made")?.slice(0, 10), registrar.context.step);
  setClientSecret([...bytes].map((b) => b.toString(16)).join("").padEnd(32, "0"), (config.days ?? 30) * 86400);
}

export const set_secrets: Step = ({ request, refuse }) => {
  for (const key of request.jwks?.keys ?? []) if (key.kty !== "EC") refuse("invalid_client_metadata", "EC keys only");
};
