// Encodes bytes as lower-case hexadecimal digits, two per byte.
export function hex(bytes: Uint8Array): string {
  const out = new Uint8Array(2 * bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    out[2 * i] = digit(bytes[i] >> 4);
    out[2 * i + 1] = digit(bytes[i] & 15);
  }
  return String.UTF8.decode(out.buffer);
}

function digit(n: u8): u8 {
  return n < 10 ? 0x30 + n : 0x61 - 10 + n;
}

// Encodes bytes as base64url without padding (RFC 4648 section 5): 43 characters for 32 bytes.
export function base64url(bytes: Uint8Array): string {
  const out = new Uint8Array((4 * bytes.length + 2) / 3);
  let bits: u32 = 0, have = 0, n = 0;
  for (let i = 0; i < bytes.length; i++) {
    bits = (bits << 8) | bytes[i];
    for (have += 8; have >= 6; ) {
      have -= 6;
      out[n++] = letter(<u8>(bits >> have) & 63);
    }
  }
  if (have > 0) out[n] = letter(<u8>(bits << (6 - have)) & 63);
  return String.UTF8.decode(out.buffer);
}

function letter(n: u8): u8 {
  if (n < 26) return 0x41 + n;
  if (n < 52) return 0x61 - 26 + n;
  if (n < 62) return 0x30 - 52 + n;
  return n == 62 ? 0x2d : 0x5f;
}

// Encodes text as UTF-8. Half a surrogate pair becomes U+FFFD, since the server accepts only valid UTF-8.
export function utf8(text: string): ArrayBuffer {
  return String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE);
}
