// A policy for editors and assistants that register themselves: a public client may redirect only to the machine it runs
// on. Reads the client as the base left it, not the request: the server writes its JSON without escapes in names and
// hosts, so looking through the text is sound.
import { call_base, read, read_client, refuse } from "./registrar";

// Where the value of a member of the outermost object begins, or -1. Nesting is counted, so that a member of that name
// further in is not taken for it.
function member(json: string, name: string): i32 {
  let depth = 0;
  for (let i = 0; i < json.length; i++) {
    const c = json.charCodeAt(i);
    if (c == 0x7b || c == 0x5b) depth++; // { [
    if (c == 0x7d || c == 0x5d) depth--; // } ]
    if (c != 0x22) continue; // "
    const end = closing(json, i);
    const key = json.substring(i + 1, end);
    i = end;
    while (isSpace(json.charCodeAt(i + 1))) i++;
    if (depth != 1 || key != name || json.charCodeAt(i + 1) != 0x3a) continue; // :
    for (i += 2; isSpace(json.charCodeAt(i)); ) i++;
    return i;
  }
  return -1;
}

// The quote that ends the string which begins at i.
function closing(json: string, i: i32): i32 {
  for (i++; i < json.length && json.charCodeAt(i) != 0x22; i++) {
    if (json.charCodeAt(i) == 0x5c) i++; // a backslash and what it escapes
  }
  return i;
}

function isSpace(c: i32): bool {
  return c == 0x20 || c == 0x09 || c == 0x0a || c == 0x0d;
}

function isLoopback(uri: string): bool {
  const hosts = ["http://127.0.0.1", "http://[::1]", "http://localhost"];
  for (let i = 0; i < hosts.length; i++) {
    if (!uri.toLowerCase().startsWith(hosts[i])) continue;
    const rest = uri.substring(hosts[i].length);
    // A port is digits only: "http://localhost:x@acme.example" is another host.
    let j = 0;
    if (rest.startsWith(":")) for (j = 1; j < rest.length && rest.charCodeAt(j) >= 0x30 && rest.charCodeAt(j) <= 0x39; ) j++;
    if (j == rest.length || rest.charAt(j) == "/" || rest.charAt(j) == "?") return true;
  }
  return false;
}

export function set_redirect_uris(): i32 {
  if (call_base() != 0) return 1;
  const client = read(read_client);
  const method = member(client, "token_endpoint_auth_method");
  if (method < 0 || !client.substring(method).startsWith('"none"')) return 0;
  let i = member(client, "redirect_uris");
  if (i < 0) return 0;
  for (; i < client.length && client.charCodeAt(i) != 0x5d; i++) {
    if (client.charCodeAt(i) != 0x22) continue;
    const end = closing(client, i);
    const uri = client.substring(i + 1, end);
    if (!isLoopback(uri)) {
      return refuse("invalid_redirect_uri", "a public client may redirect only to loopback, not to " + uri);
    }
    i = end;
  }
  return 0;
}
