// Registers only clients whose redirect URIs are all in the config, {"redirect_uris":["https://app.example/cb"]}.
import { base, client, config, DONE, INVALID_REDIRECT_URI, refuse, REFUSED } from "./registrar";

export function set_redirect_uris(): i32 {
  if (base() != DONE) return REFUSED;
  const allowed = config().require("redirect_uris").strings();
  const uris = client().redirectUris();
  for (let i = 0; i < uris.length; i++) {
    if (allowed.includes(uris[i])) continue;
    return refuse(INVALID_REDIRECT_URI, "redirect_uris: " + uris[i] + " is not allowed here");
  }
  return DONE;
}
