// Allows a secret only for callers whose token has the scope of the config: {"scope":"dcr:secrets"}. The step runs only
// for clients that need a secret, so public clients are not affected.
import { base, caller, config, INSUFFICIENT_SCOPE, refuse } from "../../registrar";

export function generate_secret(): i32 {
  const scope = config().require("scope").string();
  if (!caller().hasScope(scope)) return refuse(INSUFFICIENT_SCOPE, "a client with a secret needs the scope " + scope);
  return base();
}
