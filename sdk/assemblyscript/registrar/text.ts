// Random texts and checksums.
import * as abi from "./abi";
import { utf8 } from "./encoding";

// The greatest length of a text of randomText: what a registration may read of random bytes.
export const MAX_RANDOM_TEXT: i32 = 4096;

// Returns characters of an alphabet, each of them equally likely: for a secret of 256 bits, 43 letters and digits. An
// alphabet has 2 to 128 different ASCII characters; the length is 0 to MAX_RANDOM_TEXT. Throws for others. It reads a
// byte for each character, and as many again as fall outside the greatest multiple of the alphabet's size below 257: 3
// in 100 for letters and digits, none for an alphabet of 16 or 64.
export function randomText(alphabet: string, length: i32): string {
  if (length < 0 || length > MAX_RANDOM_TEXT) throw new Error("randomText: the length must be 0 to 4096");
  const seen = new StaticArray<bool>(128), size = alphabet.length;
  for (let i = 0; i < size; i++) {
    const c = alphabet.charCodeAt(i);
    if (c >= 128) throw new Error("randomText: the alphabet has a character outside ASCII");
    if (seen[c]) throw new Error("randomText: the alphabet has a character twice, which would be twice as likely");
    seen[c] = true;
  }
  if (size < 2) throw new Error("randomText: the alphabet must have 2 characters at least");
  const limit = 256 - 256 % size;
  const text = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const start = done; // no byte is read after its character is written
    abi.random(text.dataStart + start, length - start);
    for (let i = start; i < length; i++) {
      const byte = <i32>text[i];
      if (byte < limit) text[done++] = <u8>alphabet.charCodeAt(byte % size);
    }
  }
  return String.UTF8.decode(text.buffer);
}

const OF_NIBBLE: StaticArray<u32> = [
  0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
  0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
];

// Returns the checksum of a text in UTF-8 as zip, PNG and Ethernet have it (IEEE 802.3).
export function crc32(text: string): u32 {
  const bytes = Uint8Array.wrap(utf8(text));
  let crc: u32 = ~0;
  for (let i = 0; i < bytes.length; i++) {
    crc ^= bytes[i];
    crc = (crc >> 4) ^ OF_NIBBLE[crc & 15];
    crc = (crc >> 4) ^ OF_NIBBLE[crc & 15];
  }
  return ~crc;
}

// The alphabet of letters and digits in the order of base62.
export const BASE62: string = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// Returns a number as six digits of BASE62, the most significant one first: "000000" to "4gfFC3".
export function base62(n: u32): string {
  const digits = new Uint8Array(6);
  for (let i = 5; i >= 0; i--) {
    digits[i] = <u8>BASE62.charCodeAt(n % 62);
    n /= 62;
  }
  return String.UTF8.decode(digits.buffer);
}
