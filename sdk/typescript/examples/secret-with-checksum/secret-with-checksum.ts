// Makes secrets that scanners for leaked secrets recognize: the prefix of the config, {"prefix": "acme_"}, 43 random
// letters and digits, which are 256 bits, and the CRC32 of all that in six digits of base62. A scanner checks those,
// and so takes hardly any other text for a secret.

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

export function generate_secret({ required, randomText, crc32, encodeBase62, setClientSecret }: Registrar): void {
  const prefix = required("prefix").text();
  if (!/^[0-9A-Za-z_]{1,32}$/.test(prefix))
    throw new Error("config: prefix must be 1 to 32 letters, digits and underscores");
  const text = prefix + randomText(base62, 43);
  setClientSecret(text + encodeBase62(crc32(text)));
}
