// Gives clients that request no scope those of the config: {"scopes":["openid","profile"]}.
import { base, config, DONE, Patch } from "../../registrar";

export function set_default_scopes(): i32 {
  const scopes = config().strings("scopes");
  if (scopes.length == 0) return base();
  new Patch().string("scope", scopes.join(" ")).apply();
  return DONE;
}
