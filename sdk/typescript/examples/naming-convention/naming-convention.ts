// Makes client IDs by a convention: the prefix of the config, {"prefix": "acme-"}, the client's name in lower case, and
// random digits, such as acme-photo-album-3f0c9a1e52d47b86.

const longestName = 32;

// slug returns a name in lower case, with each run of other characters than letters and digits as one dash, and a dash
// at the end.
function slug(name: string): string {
  const dashed = name.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-/, "").slice(0, longestName).toLowerCase();
  return dashed === "" || dashed.endsWith("-") ? dashed : `${dashed}-`;
}

export function add_client_id({ client, required, clientExists, randomHex, setClientId }: Registrar): void {
  const prefix = required("prefix").text();
  if (prefix === "") throw new Error("config: prefix is empty");
  const begin = prefix + slug(client.client_name ?? "");
  let id;
  do id = begin + randomHex(8);
  while (clientExists(id));
  console.info(`the ID begins with ${begin}`);
  setClientId(id);
}
