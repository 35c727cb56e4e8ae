// The SDK for registration scripts in AssemblyScript: typed host functions of registrar_v1, and a small JSON library.
//
//     import { DONE, hex, random, setClientId } from "./registrar";
//
//     export function add_client_id(): i32 {
//       setClientId("acme-" + hex(random(16)));
//       return DONE;
//     }
//
// A step is an exported function of the step's name that returns DONE or REFUSED. A script that throws fails: the
// client gets a 500, and nothing is stored. Build with
//
//     asc script.ts --config none --runtime stub -Oz --exportStart _initialize --use abort=registrar/abort/abort -o script.wasm
import * as abi from "./abi";
import { utf8 } from "./encoding";
import { quote } from "./json";
import { tryPatchRequest } from "./request";

export { abort } from "./abort";
export { base64url, hex } from "./encoding";
export { Caller, caller, client, config, Context, context, item, Metadata, request, statement } from "./facts";
export { Document, quote, Value } from "./json";
export { tryPatchRequest } from "./request";
export { Config, Required } from "./require";
export { Tagged, tagged } from "./tagged";
export { BASE62, base62, crc32, MAX_RANDOM_TEXT, randomText } from "./text";
export { Uri } from "./uri";

// The results of a step: keep its changes, or refuse the client for the reason of refuse or of the base.
export const DONE: i32 = 0;
export const REFUSED: i32 = 1;

// Error codes of refuse. Others become INVALID_CLIENT_METADATA. INVALID_TOKEN, for a caller who needs another token,
// gives a 401, INSUFFICIENT_SCOPE a 403, the others a 400.
export const INVALID_REDIRECT_URI: string = "invalid_redirect_uri";
export const INVALID_CLIENT_METADATA: string = "invalid_client_metadata";
export const INVALID_SOFTWARE_STATEMENT: string = "invalid_software_statement";
export const UNAPPROVED_SOFTWARE_STATEMENT: string = "unapproved_software_statement";
export const INVALID_TOKEN: string = "invalid_token";
export const INSUFFICIENT_SCOPE: string = "insufficient_scope";

// Lifetimes of a secret; other values are seconds, at most a hundred years.
export const EXPIRES_BY_DEFAULT: i64 = 0; // the server's default
export const EXPIRES_NEVER: i64 = -1;

// Runs what this step replaced and returns DONE or REFUSED: "if (base() != DONE) return REFUSED" keeps its refusal.
// Traps when called a second time in a step.
export function base(): i32 {
  return abi.call_base();
}

// Refuses the client and returns REFUSED, so that a step can end with: return refuse(INVALID_REDIRECT_URI, "…"). The
// caller sees the description.
export function refuse(code: string, description: string): i32 {
  const c = utf8(code), d = utf8(description);
  abi.refuse(changetype<usize>(c), c.byteLength, changetype<usize>(d), d.byteLength);
  return REFUSED;
}

// A change of the client's metadata, a JSON Merge Patch (RFC 7396):
// new Patch().string("client_name", "x").remove("logo_uri").apply(). A member must not be set twice.
export class Patch {
  private members: string[] = [];

  string(name: string, value: string): this {
    return this.json(name, quote(value));
  }

  strings(name: string, values: string[]): this {
    return this.json(name, "[" + values.map<string>((value) => quote(value)).join(",") + "]");
  }

  bool(name: string, value: bool): this {
    return this.json(name, value ? "true" : "false");
  }

  integer(name: string, value: i64): this {
    return this.json(name, value.toString());
  }

  // Removes a member.
  remove(name: string): this {
    return this.json(name, "null");
  }

  // Sets a member to JSON text.
  json(name: string, value: string): this {
    this.members.push(quote(name) + ":" + value);
    return this;
  }

  // The patch as JSON text.
  text(): string {
    return "{" + this.members.join(",") + "}";
  }

  // Changes the client. The script fails if the server rejects the patch; see tryPatch.
  apply(): void {
    if (!tryPatch(this.text())) throw new Error("the patch was not taken");
  }

  // Changes the request, before base. The script fails if the server rejects the patch; see tryPatchRequest.
  applyToRequest(): void {
    if (!tryPatchRequest(this.text())) throw new Error("the patch of the request was not taken");
  }
}

// Applies a patch and reports whether the server accepted it. It rejects members that only the server sets, unknown
// members that are not echoed, and values of the wrong type. Then nothing changes, and the log has the reason.
export function tryPatch(json: string): bool {
  const p = utf8(json);
  return abi.patch_client(changetype<usize>(p), p.byteLength) == 0;
}

// Reports whether a client ID is taken. IDs of more than 255 bytes never are.
export function clientExists(id: string): bool {
  const utf = utf8(id);
  return utf.byteLength <= 255 && abi.client_exists(changetype<usize>(utf), utf.byteLength) == 1;
}

// Sets the client ID, in add_client_id: 1 to 255 visible ASCII characters, not ".", ".." or an http or https URL. Traps
// for an invalid ID.
export function setClientId(id: string): void {
  const utf = utf8(id);
  abi.set_client_id(changetype<usize>(utf), utf.byteLength);
}

// Sets the client secret, in generate_secret and add_client_secret: 32 to 255 visible ASCII characters. Traps for an
// invalid secret.
export function setClientSecret(secret: string, expiresIn: i64 = EXPIRES_BY_DEFAULT): void {
  const utf = utf8(secret);
  abi.set_client_secret(changetype<usize>(utf), utf.byteLength, expiresIn);
}

// Sets an item for later steps of this registration: at most 64 of 4 KiB, with keys of at most 255 bytes.
export function setItem(name: string, value: string): void {
  const k = utf8(name), v = utf8(value);
  abi.set_item(changetype<usize>(k), k.byteLength, changetype<usize>(v), v.byteLength);
}

// The severity of a log line.
export enum Level { Debug, Info, Warn, Error }

// Writes a line to the server's log. Beyond 32 lines or 4 KiB per registration, lines are dropped.
export function log(level: Level, line: string): void {
  const utf = utf8(line);
  abi.log(level, changetype<usize>(utf), utf.byteLength);
}

// Returns random bytes of the server, fit for secrets. A registration may read 4 KiB.
export function random(length: i32): Uint8Array {
  const bytes = new Uint8Array(length);
  abi.random(bytes.dataStart, length);
  return bytes;
}

// Returns the arrival time of the request, in milliseconds since 1970. It is constant in a registration.
export function now(): i64 {
  return abi.now();
}
