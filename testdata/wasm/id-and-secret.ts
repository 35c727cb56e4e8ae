// The two generators in AssemblyScript: the ID is "as-" and 16 random bytes in hex, the secret 43 characters.
import { random, set_client_id, set_client_secret } from "./registrar";

// Made when the module starts, not when it is compiled: so the module needs its start function, which asc exports as
// _initialize.
const alphabet = String.UTF8.encode("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

export function add_client_id(): i32 {
  const bytes = random(16);
  let id = "as-";
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] < 16) id += "0";
    id += bytes[i].toString(16);
  }
  const utf8 = String.UTF8.encode(id);
  set_client_id(changetype<usize>(utf8), utf8.byteLength);
  return 0;
}

export function generate_secret(): i32 {
  const letters = Uint8Array.wrap(alphabet);
  const secret = random(43);
  for (let i = 0; i < secret.length; i++) {
    secret[i] = letters[secret[i] & 63]; // 64 letters: six bits choose one without bias
  }
  set_client_secret(secret.dataStart, secret.length, 0);
  return 0;
}
