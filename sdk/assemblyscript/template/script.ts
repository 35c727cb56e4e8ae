// Registers only clients whose redirect URIs are all in the config, {"redirect_uris":["https://app.example/cb"]}.
import { base, config, INVALID_REDIRECT_URI, refuse, request } from "./registrar";

export function set_redirect_uris(): i32 {
  const allowed = config().require("redirect_uris").strings();
  const uris = request().redirectUris();
  for (let i = 0; i < uris.length; i++) {
    if (!allowed.includes(uris[i])) return refuse(INVALID_REDIRECT_URI, "redirect_uris: " + uris[i] + " is not allowed here");
  }
  return base();
}
