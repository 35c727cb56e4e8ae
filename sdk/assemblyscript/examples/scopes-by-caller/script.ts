// Restricts the client's scopes to those of the caller's token. A client that would have none left is refused.
import {
  base, caller, client, DONE, INVALID_CLIENT_METADATA, Level, log, Patch, refuse, REFUSED,
} from "../../registrar";

export function set_scopes(): i32 {
  if (base() != DONE) return REFUSED;
  // The scopes after the base: with default scopes, and without those that the server does not allow.
  const scopes = client().scopes();
  const allowed = new Set<string>(); // a list of 500 would be searched 500 times
  const held = caller().scopes();
  for (let i = 0; i < held.length; i++) allowed.add(held[i]);
  const kept: string[] = [];
  for (let i = 0; i < scopes.length; i++) {
    if (allowed.has(scopes[i])) kept.push(scopes[i]);
    else log(Level.Info, scopes[i] + " is dropped: the caller does not have it");
  }
  if (kept.length == scopes.length) return DONE;
  if (kept.length == 0) return refuse(INVALID_CLIENT_METADATA,
    "scope: none of them is among the scopes of the token that registers the client");
  new Patch().string("scope", kept.join(" ")).apply();
  return DONE;
}
