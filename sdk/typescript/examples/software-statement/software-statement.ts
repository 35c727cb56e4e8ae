// Registers only software that a directory has approved, as in open banking: with a software statement, which the
// server has verified, whose claims are the name of the software, its roles and its redirect URIs. The config lists the
// issuers whose statements are accepted, the roles, and the greatest age of a statement:
//
//	{"issuers": ["https://directory.example"], "roles": ["AISP", "PISP"], "max_age_days": 180}
interface Config {
  readonly issuers?: readonly unknown[];
  readonly roles?: readonly unknown[];
  readonly max_age_days?: number;
}

export function validate_software_statement(registrar: Registrar<Config>): void {
  const { request, statement, config, refuse, base, patch, now } = registrar;
  if (!statement) return refuse("invalid_software_statement", "software_statement: one is required here");
  if (!config.issuers?.includes(statement.iss))
    refuse("unapproved_software_statement", "software_statement: its issuer is not approved here");
  const problem = check(statement, config, Math.floor(now() / 1000));
  if (problem) refuse("invalid_software_statement", `software_statement: ${problem}`);
  // RFC 7591 §2: software_id identifies the software. The client's must be that of the statement.
  if (request.software_id && request.software_id !== statement.software_id)
    refuse("invalid_client_metadata", "software_id: it is not the one of the software statement");
  base();
  patch({ software_id: text(statement.software_id) });
}

// check returns the problem with a statement's claims, "" if there is none. now is in seconds since 1970.
function check(statement: JSONObject, { roles, max_age_days: days }: Config, now: number): string {
  const issued = statement.iat;
  if (!/^[0-9A-Za-z-]{1,36}$/.test(text(statement.software_id)))
    return "software_id must be 1 to 36 letters, digits and dashes";
  if (!text(statement.software_client_name)) return "software_client_name is missing";
  if (list(statement.software_redirect_uris).length === 0) return "software_redirect_uris is missing";
  if (!list(statement.software_roles).some((role) => roles?.includes(role)))
    return "software_roles holds none of the roles that are served here";
  if (typeof issued !== "number" || issued > now) return "iat must be when it was issued";
  if (days !== undefined && now - issued > days * 86_400) return `it is older than ${days} days`;
  return "";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function set_redirect_uris({ request, statement, refuse, base }: Registrar): void {
  const vouched = new Set(list(statement?.software_redirect_uris));
  request.redirect_uris?.forEach((uri, i) => {
    if (!vouched.has(uri))
      refuse("invalid_redirect_uri", `redirect_uris[${i}]: the software statement does not hold it`);
  });
  base();
}

// The name is that of the statement, since users see it when they consent.
export function set_client_name({ statement, base, patch }: Registrar): void {
  base();
  patch({ client_name: text(statement?.software_client_name) });
}
