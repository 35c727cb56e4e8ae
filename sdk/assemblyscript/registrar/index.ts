// Steps of client registrations, replaced by AssemblyScript: what a script of the server imports as registrar_v1.
//
//     import { DONE, hex, random, setClientId } from "./registrar";
//
//     export function add_client_id(): i32 {
//       setClientId("acme-" + hex(random(16)));
//       return DONE;
//     }
//
// A step is an exported function of the step's name that returns DONE or REFUSED. What is thrown is a failure of the
// script: the server answers 500 and stores nothing. Build with
//
//     asc script.ts --config none --runtime stub -Oz --exportStart _initialize --use abort=registrar/abort/abort -o script.wasm
import * as abi from "./abi";
import { utf8 } from "./encoding";
import { quote } from "./json";

export { abort } from "./abort";
export { base64url, hex } from "./encoding";
export { Caller, caller, client, config, Context, context, item, Metadata, request, statement } from "./facts";
export { Document, quote, Value } from "./json";

// What a step returns: keep what it did, or refuse the client for the reason that refuse or the base gave.
export const DONE: i32 = 0;
export const REFUSED: i32 = 1;

// Error codes of refuse. Another one becomes INVALID_CLIENT_METADATA. INSUFFICIENT_SCOPE answers 403, the others 400.
export const INVALID_REDIRECT_URI: string = "invalid_redirect_uri";
export const INVALID_CLIENT_METADATA: string = "invalid_client_metadata";
export const INVALID_SOFTWARE_STATEMENT: string = "invalid_software_statement";
export const UNAPPROVED_SOFTWARE_STATEMENT: string = "unapproved_software_statement";
export const INSUFFICIENT_SCOPE: string = "insufficient_scope";

// When a secret expires; other values are seconds, a hundred years at most.
export const EXPIRES_BY_DEFAULT: i64 = 0; // when the server's default says
export const EXPIRES_NEVER: i64 = -1;

// Runs what this step replaced and returns DONE or REFUSED: "if (base() != DONE) return REFUSED" lets a refusal of it
// stand. It traps the second time in a step.
export function base(): i32 {
  return abi.call_base();
}

// Refuses the client and returns REFUSED, so that a step can end with: return refuse(INVALID_REDIRECT_URI, "…"). The
// caller reads the description.
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

  // Takes the member away.
  remove(name: string): this {
    return this.json(name, "null");
  }

  // Sets a member to what is JSON already.
  json(name: string, value: string): this {
    this.members.push(quote(name) + ":" + value);
    return this;
  }

  // The patch as JSON.
  text(): string {
    return "{" + this.members.join(",") + "}";
  }

  // Changes the client. A patch that the server does not take is a failure of the script: see tryPatch.
  apply(): void {
    if (!tryPatch(this.text())) throw new Error("the patch was not taken");
  }
}

// Applies a patch, and says whether the server takes it: not where it touches a member that only the server sets, one that
// it does not know and may not echo, or gives one a value of the wrong type. The log says which. It changed nothing then.
export function tryPatch(json: string): bool {
  const p = utf8(json);
  return abi.patch_client(changetype<usize>(p), p.byteLength) == 0;
}

// Is that client ID taken? What is longer than 255 bytes can be none's.
export function clientExists(id: string): bool {
  const utf = utf8(id);
  return utf.byteLength <= 255 && abi.client_exists(changetype<usize>(utf), utf.byteLength) == 1;
}

// Sets the client ID, in add_client_id: 1 to 255 visible ASCII characters, not "." or "..", not beginning like a URL. It
// traps for another one.
export function setClientId(id: string): void {
  const utf = utf8(id);
  abi.set_client_id(changetype<usize>(utf), utf.byteLength);
}

// Sets the client secret, in generate_secret and add_client_secret: 32 to 255 visible ASCII characters. It traps for
// another one.
export function setClientSecret(secret: string, expiresIn: i64 = EXPIRES_BY_DEFAULT): void {
  const utf = utf8(secret);
  abi.set_client_secret(changetype<usize>(utf), utf.byteLength, expiresIn);
}

// Sets an item, which later steps of this registration read: at most 64 of 4 KiB, their keys of 255 bytes.
export function setItem(name: string, value: string): void {
  const k = utf8(name), v = utf8(value);
  abi.set_item(changetype<usize>(k), k.byteLength, changetype<usize>(v), v.byteLength);
}

// How grave a log line is.
export enum Level { Debug, Info, Warn, Error }

// Writes a line to the server's log. Beyond 32 lines or 4 KiB a registration, lines are dropped.
export function log(level: Level, line: string): void {
  const utf = utf8(line);
  abi.log(level, changetype<usize>(utf), utf.byteLength);
}

// Random bytes of the server, fit for secrets. A registration has 4 KiB.
export function random(length: i32): Uint8Array {
  const bytes = new Uint8Array(length);
  abi.random(bytes.dataStart, length);
  return bytes;
}

// When the request arrived, in milliseconds since 1970. It stands still.
export function now(): i64 {
  return abi.now();
}
