// What the AssemblyScript fixtures import from registrar_v1, and the three things every one of them needs.

// @ts-ignore: decorator
@external("registrar_v1", "read_client")
export declare function read_client(buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("registrar_v1", "call_base")
export declare function call_base(): i32;
// @ts-ignore: decorator
@external("registrar_v1", "set_client_id")
export declare function set_client_id(ptr: usize, len: usize): void;
// @ts-ignore: decorator
@external("registrar_v1", "set_client_secret")
export declare function set_client_secret(ptr: usize, len: usize, expires_in: i64): void;
// @ts-ignore: decorator
@external("registrar_v1", "refuse")
declare function host_refuse(cptr: usize, clen: usize, dptr: usize, dlen: usize): void;
// @ts-ignore: decorator
@external("registrar_v1", "fail")
declare function host_fail(ptr: usize, len: usize): void;
// @ts-ignore: decorator
@external("registrar_v1", "random")
declare function host_random(ptr: usize, len: usize): void;

export function random(n: i32): Uint8Array {
  const bytes = new Uint8Array(n);
  host_random(bytes.dataStart, n);
  return bytes;
}

// Returns 1, so that a step can end with: return refuse(…).
export function refuse(code: string, description: string): i32 {
  const c = String.UTF8.encode(code), d = String.UTF8.encode(description);
  host_refuse(changetype<usize>(c), c.byteLength, changetype<usize>(d), d.byteLength);
  return 1;
}

// The value's text, read into a buffer that grows until it fits.
export function read(f: (buf: usize, cap: usize) => i32): string {
  let cap = 4096;
  while (true) {
    const buf = new ArrayBuffer(cap);
    const len = f(changetype<usize>(buf), cap);
    if (len <= cap) return String.UTF8.decodeUnsafe(changetype<usize>(buf), len);
    cap = len;
  }
}

// Stands in for env.abort, which the server does not have: asc --use abort=registrar/abort.
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const text = String.UTF8.encode((message ? message : "abort") + " at line " + line.toString() + ":" + column.toString());
  host_fail(changetype<usize>(text), text.byteLength);
  unreachable();
}
