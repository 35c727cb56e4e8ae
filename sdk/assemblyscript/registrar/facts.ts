// What a script can read: the request, the client, who registers, and the rest. Each call asks the server anew.
import * as abi from "./abi";
import { Document } from "./json";

// The value's text, read into a buffer that grows until it fits; null where there is no value.
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

// What the server hands to a script is an object, always.
class Fact extends Document {
  constructor(text: string | null) {
    super();
    assert(text !== null && this.read(text), "the server writes objects");
  }
}

// The metadata of a client. Members without a method of their own are read by name: client().string("logo_uri").
export class Metadata extends Fact {
  // The client ID, once there is one.
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

  // How the client authenticates; "none" for a public client.
  tokenEndpointAuthMethod(): string | null {
    return this.string("token_endpoint_auth_method");
  }

  // Each scope of scope.
  scopes(): string[] {
    return this.stringOr("scope", "").split(" ").filter((s) => s.length > 0);
  }
}

// Who registers.
export class Caller extends Fact {
  // none, initial_access_token, jwt or registration_access_token.
  auth(): string {
    return this.stringOr("auth", "");
  }

  // Who issued the caller's token.
  issuer(): string | null {
    return this.string("issuer");
  }

  // Whom the caller's token is about.
  subject(): string | null {
    return this.string("subject");
  }

  // Which token it was.
  tokenId(): string | null {
    return this.string("token_id");
  }

  // What the caller's token allows.
  scopes(): string[] {
    return this.strings("scopes");
  }

  // Does the caller's token allow that?
  hasScope(scope: string): bool {
    return this.scopes().includes(scope);
  }

  // The address that the request came from.
  ip(): string | null {
    return this.string("ip");
  }

  // The claims of the caller's token.
  claims(): Document | null {
    return this.document("claims");
  }
}

// Which registration and which step it is.
export class Context extends Fact {
  // register, update or metadata_document. Take one that you do not know for register.
  operation(): string {
    return this.stringOr("operation", "");
  }

  step(): string {
    return this.stringOr("step", "");
  }

  // enforce, shadow, canary, dry_run or replay. Take one that you do not know for enforce.
  mode(): string {
    return this.stringOr("mode", "");
  }
}

// The metadata as the caller sent it.
export function request(): Metadata {
  return new Metadata(read(abi.read_request));
}

// The client as built so far, never with a secret.
export function client(): Metadata {
  return new Metadata(read(abi.read_client));
}

// Who registers. On an update, the caller who registered the client.
export function caller(): Caller {
  return new Caller(read(abi.read_caller));
}

// Which registration and which step it is.
export function context(): Context {
  return new Context(read(abi.read_context));
}

// The script's own configuration, from the deployment.
export function config(): Document {
  return new Fact(read(abi.read_config));
}

// The verified claims of the software statement; null where there is none.
export function statement(): Document | null {
  const text = read(abi.read_statement);
  return text !== null ? new Fact(text) : null;
}

let key: ArrayBuffer = new ArrayBuffer(0); // of the item that is being read: functions here capture nothing

// An item that a script set in this registration; null where there is none.
export function item(name: string): string | null {
  key = String.UTF8.encode(name);
  return read((buf, cap) => abi.get_item(changetype<usize>(key), key.byteLength, buf, cap));
}
