// Takes URIs apart.
import { endsInNumber, isIPv4, readIPv6 } from "./address";

// The parts of an absolute URI (RFC 3986 section 3), as written and not decoded, except that scheme and host are in
// lower case, and an IPv6 address is as in RFC 5952.
export class Uri {
  scheme: string = "";
  userInfo: string | null = null; // without the @
  host: string = ""; // an IPv6 address is without brackets; "" if there is none
  port: i32 = -1; // 0 to 65535; -1 if there is none, or an empty one
  path: string = "";
  query: string | null = null; // without the ?
  fragment: string | null = null; // without the #

  // Returns the parts of an absolute URI, and null for any other text. It refuses what programs read in different ways,
  // so that a rule about hosts sees the host that a browser connects to, as the server does: characters outside RFC
  // 3986 section 2, a percent sign without two digits after it or in the host, a second @, an http or https URI without
  // a host of letters, digits, hyphens, underscores and dots, a port above 65535, an IPv4 address in another spelling
  // than four decimal numbers, an IPv6 address with a zone or of an IPv4 address. Unlike the server it accepts user
  // information, every scheme, and each host name that begins with xn--.
  static parse(text: string): Uri | null {
    const colon = text.indexOf(":");
    if (colon < 0 || !isUriText(text) || !isScheme(text.substring(0, colon))) return null;
    const uri = new Uri();
    uri.scheme = lower(text.substring(0, colon));
    let rest = text.substring(colon + 1);
    const hash = rest.indexOf("#");
    if (hash >= 0) {
      const fragment = rest.substring(hash + 1);
      if (hasAny(fragment, "[]#")) return null;
      uri.fragment = fragment;
      rest = rest.substring(0, hash);
    }
    const mark = rest.indexOf("?");
    if (mark >= 0) {
      const query = rest.substring(mark + 1);
      if (hasAny(query, "[]")) return null;
      uri.query = query;
      rest = rest.substring(0, mark);
    }
    let authority = "";
    if (rest.startsWith("//")) {
      const slash = rest.indexOf("/", 2), end = slash < 0 ? rest.length : slash;
      authority = rest.substring(2, end);
      rest = rest.substring(end);
    }
    if (hasAny(rest, "[]")) return null;
    uri.path = rest;
    return uri.readAuthority(authority) ? uri : null;
  }

  // Reads user information, host and port (RFC 3986 section 3.2).
  private readAuthority(authority: string): bool {
    let host = authority;
    const at = authority.indexOf("@");
    if (at >= 0) {
      const userInfo = authority.substring(0, at);
      host = authority.substring(at + 1);
      if (hasAny(userInfo, "[]") || host.includes("@")) return false;
      this.userInfo = userInfo;
    }
    const after = host.startsWith("[") ? host.indexOf("]") + 1 : 0; // where a port may begin
    const colon = host.indexOf(":", after);
    if (colon >= 0) {
      if (!this.readPort(host.substring(colon + 1))) return false;
      host = host.substring(0, colon);
    }
    return (host.length > 0 || this.port < 0) && this.readHost(lower(host));
  }

  // Reads a port, which may be empty (RFC 3986 section 3.2.3).
  private readPort(port: string): bool {
    for (let i = 0; i < port.length; i++) {
      const c = port.charCodeAt(i);
      if (!isDigit(c)) return false;
      this.port = 10 * max(this.port, 0) + c - 0x30;
      if (this.port > 65535) return false;
    }
    return true;
  }

  // Reads a host in lower case. The scheme must be set.
  private readHost(host: string): bool {
    const web = this.scheme == "https" || this.scheme == "http";
    this.host = host;
    if (host.length == 0) return !web;
    if (host.startsWith("[")) {
      const address = host.endsWith("]") ? readIPv6(host.substring(1, host.length - 1)) : null;
      if (address === null) return false;
      this.host = address;
      return true;
    }
    if (hasAny(host, "[]%*")) return false;
    if (endsInNumber(host)) return isIPv4(host);
    return !web || isName(host);
  }
}

// Reports whether a text has only characters of RFC 3986 section 2, and two digits after each percent sign.
function isUriText(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c <= 0x20 || (c >= 0x7b && c != 0x7e)) return false; // a space, { | }, and what is not ASCII
    if (c == 0x22 || c == 0x3c || c == 0x3e || c == 0x5c || c == 0x5e || c == 0x60) return false; // " < > \ ^ `
    if (c != 0x25) continue; // %
    if (i + 2 >= text.length || !isHex(text.charCodeAt(i + 1)) || !isHex(text.charCodeAt(i + 2))) return false;
  }
  return true;
}

function isScheme(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (isLetter(c)) continue;
    if (i == 0 || !(isDigit(c) || c == 0x2b || c == 0x2d || c == 0x2e)) return false; // + - .
  }
  return text.length > 0;
}

// Reports whether a host is a name as web pages have (RFC 1123 section 2.1). Underscores are allowed; a dot at the end
// is not, since browsers take such a host for another one.
function isName(host: string): bool {
  let label = 0; // where it begins
  for (let i = 0; i <= host.length; i++) {
    const c = i < host.length ? host.charCodeAt(i) : 0x2e;
    if (c != 0x2e) {
      if (!isLetter(c) && !isDigit(c) && c != 0x2d && c != 0x5f) return false; // - _
      continue;
    }
    if (i == label || i - label > 63 || host.charCodeAt(label) == 0x2d || host.charCodeAt(i - 1) == 0x2d) return false;
    label = i + 1;
  }
  return host.length <= 253;
}

function hasAny(text: string, characters: string): bool {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    for (let j = 0; j < characters.length; j++) {
      if (c == characters.charCodeAt(j)) return true;
    }
  }
  return false;
}

// The text in lower case. String.toLowerCase has tables of all scripts.
function lower(text: string): string {
  let i = 0;
  while (i < text.length && !isUpper(text.charCodeAt(i))) i++;
  if (i == text.length) return text;
  const out = new StaticArray<u16>(text.length);
  for (i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    out[i] = <u16>(isUpper(c) ? c | 0x20 : c);
  }
  return String.UTF16.decodeUnsafe(changetype<usize>(out), text.length << 1);
}

function isUpper(c: i32): bool {
  return c >= 0x41 && c <= 0x5a;
}

function isLetter(c: i32): bool {
  return isUpper(c & ~0x20) && c < 0x80;
}

function isDigit(c: i32): bool {
  return c >= 0x30 && c <= 0x39;
}

function isHex(c: i32): bool {
  return isDigit(c) || (isLetter(c) && (c | 0x20) <= 0x66);
}
