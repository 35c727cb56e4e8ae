// IP addresses in hosts of URIs. Hosts are in lower case.
import { hexValue } from "./scanner";

// Reports whether browsers read a host as an IPv4 address: its last label, before a dot at the end, is decimal or
// hexadecimal (WHATWG URL, "ends in a number checker").
export function endsInNumber(host: string): bool {
  const end = host.endsWith(".") ? host.length - 1 : host.length;
  const start = host.substring(0, end).lastIndexOf(".") + 1;
  if (start == end) return false;
  const hex = host.startsWith("0x", start) && end - start >= 2;
  for (let i = hex ? start + 2 : start; i < end; i++) {
    const digit = hexValue(host.charCodeAt(i));
    if (digit < 0 || (!hex && digit > 9)) return false;
  }
  return true;
}

// Reports whether a text is four decimal numbers up to 255, without leading zeros (RFC 3986 section 3.2.2).
export function isIPv4(text: string): bool {
  return parseIPv4(text) >= 0;
}

// Returns the 32 bits of an IPv4 address, or -1.
function parseIPv4(text: string): i64 {
  let address: i64 = 0, dots = 0, digits = 0, n = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c == 0x2e && digits > 0 && dots < 3) {
      address = (address << 8) | n;
      dots++;
      digits = n = 0;
    } else if (c >= 0x30 && c <= 0x39 && (digits == 0 || n > 0)) {
      digits++;
      n = 10 * n + c - 0x30;
      if (n > 255) return -1;
    } else {
      return -1;
    }
  }
  return dots == 3 && digits > 0 ? (address << 8) | n : -1;
}

// Returns an IPv6 address as RFC 5952 writes it; null for other texts, and for the address of an IPv4 address,
// ::ffff:192.0.2.1 (RFC 4291 section 2.5.5.2).
export function readIPv6(text: string): string | null {
  const groups = parseIPv6(text);
  if (groups === null) return null;
  let zeros = 0;
  while (zeros < 8 && groups[zeros] == 0) zeros++;
  return zeros == 5 && groups[5] == 0xffff ? null : writeIPv6(groups);
}

// Reads an address in a form of RFC 4291 section 2.2.
function parseIPv6(text: string): StaticArray<i32> | null {
  const groups = new StaticArray<i32>(8);
  let n = 0, gap = -1, i = 0; // gap is how many groups are before ::
  if (text.startsWith("::")) {
    gap = 0;
    i = 2;
  }
  while (i < text.length) {
    const start = i;
    let group = 0;
    for (; i < text.length && hexValue(text.charCodeAt(i)) >= 0; i++) {
      group = (group << 4) | hexValue(text.charCodeAt(i));
    }
    if (i < text.length && text.charCodeAt(i) == 0x2e) {
      const address = parseIPv4(text.substring(start));
      if (n > 6 || address < 0) return null;
      groups[n++] = <i32>(address >> 16);
      groups[n++] = <i32>(address & 0xffff);
      break;
    }
    if (i == start || i - start > 4 || n == 8) return null;
    groups[n++] = group;
    if (i == text.length) break;
    if (text.charCodeAt(i++) != 0x3a || i == text.length) return null;
    if (text.charCodeAt(i) != 0x3a) continue;
    if (gap >= 0) return null;
    gap = n;
    i++;
  }
  if (gap < 0 || n == 8) return gap < 0 && n == 8 ? groups : null;
  for (let to = 7; to >= gap; to--) groups[to] = n > gap ? groups[--n] : 0;
  return groups;
}

// Writes an address as RFC 5952 section 4 says: the first of the longest runs of zeros, of two at least, as "::".
function writeIPv6(groups: StaticArray<i32>): string {
  let gap = -1, length = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] == 0) run++;
    if (run > length) {
      gap = i;
      length = run;
    }
  }
  let text = "";
  for (let i = 0; i < 8; i++) {
    if (i == gap) {
      text += "::";
      i += length - 1;
      continue;
    }
    if (text.length > 0 && !text.endsWith(":")) text += ":";
    text += groups[i].toString(16);
  }
  return text;
}
