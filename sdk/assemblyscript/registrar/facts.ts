// The values that a script can read: the request, the client, the caller and others. Each call reads them anew.
import * as abi from "./abi";
import { Document } from "./json";
import { Config } from "./require";

// Reads a value, with a second call if it does not fit at first. Returns null if there is no value.
function read(f: (buf: usize, cap: usize) => i32): string | null {
  let cap = 2048;
  while (true) {
    const buf = new ArrayBuffer(cap);
    const len = f(changetype<usize>(buf), cap);
    if (len < 0) return null;
    if (len <= cap) return String.UTF8.decodeUnsafe(changetype<usize>(buf), len);
    cap = len;
  }
}

// An object that the server passes to the script.
class Fact extends Document {
  constructor(text: string | null) {
    super();
    assert(text !== null && this.read(text), "the server writes objects");
  }
}

// The metadata of a client. Members that have no method are read by name: client().string("logo_uri").
export class Metadata extends Fact {
  // The client ID, once it is set.
  clientId(): string | null {
    return this.string("client_id");
  }

  // The name to show to users.
  clientName(): string | null {
    return this.string("client_name");
  }

  redirectUris(): string[] {
    return this.strings("redirect_uris");
  }

  grantTypes(): string[] {
    return this.strings("grant_types");
  }

  responseTypes(): string[] {
    return this.strings("response_types");
  }

  // The authentication method; "none" for a public client.
  tokenEndpointAuthMethod(): string | null {
    return this.string("token_endpoint_auth_method");
  }

  // The scopes in scope.
  scopes(): string[] {
    return this.stringOr("scope", "").split(" ").filter((s) => s.length > 0);
  }
}

// The caller that registers the client.
export class Caller extends Fact {
  // none, initial_access_token, jwt, registration_access_token or admin.
  auth(): string {
    return this.stringOr("auth", "");
  }

  // The issuer of the caller's token.
  issuer(): string | null {
    return this.string("issuer");
  }

  // The subject of the caller's token.
  subject(): string | null {
    return this.string("subject");
  }

  // The ID of the caller's token.
  tokenId(): string | null {
    return this.string("token_id");
  }

  // The scopes of the caller's token.
  scopes(): string[] {
    return this.strings("scopes");
  }

  // Reports whether the caller's token has a scope.
  hasScope(scope: string): bool {
    return this.scopes().includes(scope);
  }

  // The IP address of the caller.
  ip(): string | null {
    return this.string("ip");
  }

  // The claims of the caller's token.
  claims(): Document | null {
    return this.document("claims");
  }
}

// The operation, step and mode of a call.
export class Context extends Fact {
  // register, update, rotate_secret or metadata_document. Treat unknown operations as register.
  operation(): string {
    return this.stringOr("operation", "");
  }

  step(): string {
    return this.stringOr("step", "");
  }

  // enforce, shadow, canary, dry_run or replay. Treat unknown modes as enforce.
  mode(): string {
    return this.stringOr("mode", "");
  }
}

// Returns the metadata as sent by the caller.
export function request(): Metadata {
  return new Metadata(read(abi.read_request));
}

// Returns the client as built so far, without any secret.
export function client(): Metadata {
  return new Metadata(read(abi.read_client));
}

// Returns the caller. On an update, it is the one that registered the client.
export function caller(): Caller {
  return new Caller(read(abi.read_caller));
}

// Returns the operation, step and mode of this call.
export function context(): Context {
  return new Context(read(abi.read_context));
}

// Returns the script's configuration from the deployment.
export function config(): Config {
  const text = read(abi.read_config);
  return new Config(text !== null ? text : "");
}

// Returns the verified claims of the software statement; null if there is none.
export function statement(): Document | null {
  const text = read(abi.read_statement);
  return text !== null ? new Fact(text) : null;
}

let key: ArrayBuffer = new ArrayBuffer(0); // of the item being read; closures cannot capture variables

// Returns an item that a script set in this registration; null if there is none.
export function item(name: string): string | null {
  key = String.UTF8.encode(name);
  return read((buf, cap) => abi.get_item(changetype<usize>(key), key.byteLength, buf, cap));
}
