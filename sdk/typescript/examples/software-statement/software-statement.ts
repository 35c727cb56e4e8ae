// Registers only software that a directory has approved, as in open banking: with a software statement, which the
// server has verified, whose claims are the name of the software, its roles and its redirect URIs. The config lists the
// issuers whose statements are accepted, the roles, and the greatest age of a statement:
//
//	{"issuers": ["https://directory.example"], "roles": ["AISP", "PISP"], "max_age_days": 180}

export function validate_software_statement(registrar: Registrar): void {
  const { request, statement, required, refuse, base, patch } = registrar;
  if (!statement) return refuse("invalid_software_statement", "software_statement: one is required here");
  if (!required("issuers").strings().includes(text(statement.iss)))
    refuse("unapproved_software_statement", "software_statement: its issuer is not approved here");
  const problem = check(statement, registrar);
  if (problem) refuse("invalid_software_statement", `software_statement: ${problem}`);
  // RFC 7591 §2: software_id identifies the software. The client's must be that of the statement.
  if (request.software_id && request.software_id !== statement.software_id)
    refuse("invalid_client_metadata", "software_id: it is not the one of the software statement");
  base();
  patch({ software_id: text(statement.software_id) });
}

// check returns the problem with a statement's claims, "" if there is none.
function check(statement: JSONObject, { required, now }: Registrar): string {
  if (!/^[0-9A-Za-z-]{1,36}$/.test(text(statement.software_id)))
    return "software_id must be 1 to 36 letters, digits and dashes";
  if (!text(statement.software_client_name)) return "software_client_name is missing";
  if (list(statement.software_redirect_uris).length === 0) return "software_redirect_uris is missing";
  const roles = required("roles").strings();
  if (!list(statement.software_roles).some((role) => roles.includes(text(role))))
    return "software_roles holds none of the roles that are served here";
  const issued = statement.iat, seconds = Math.floor(now() / 1000), days = required("max_age_days").int();
  if (typeof issued !== "number" || issued > seconds) return "iat must be when it was issued";
  if (seconds - issued > days * 86_400) return `it is older than ${days} days`;
  return "";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function set_redirect_uris(registrar: Registrar): void {
  registrar.base();
  const vouched = new Set(list(registrar.statement?.software_redirect_uris));
  registrar.client.redirect_uris?.forEach((uri, i) => {
    if (!vouched.has(uri))
      registrar.refuse("invalid_redirect_uri", `redirect_uris[${i}]: the software statement does not hold it`);
  });
}

// The name is that of the statement in every language, since users see it when they consent.
export function set_client_name(registrar: Registrar): void {
  registrar.base();
  for (const { name } of registrar.tagged(registrar.client, "client_name")) registrar.patch({ [name]: null } as Patch);
  registrar.patch({ client_name: text(registrar.statement?.software_client_name) });
}
