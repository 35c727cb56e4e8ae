// The host functions of registrar_v1.

// @ts-ignore: decorator
@external("registrar_v1", "read_context")
export declare function read_context(buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("registrar_v1", "read_request")
export declare function read_request(buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("registrar_v1", "read_client")
export declare function read_client(buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("registrar_v1", "read_statement")
export declare function read_statement(buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("registrar_v1", "read_caller")
export declare function read_caller(buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("registrar_v1", "read_config")
export declare function read_config(buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("registrar_v1", "client_exists")
export declare function client_exists(ptr: usize, len: usize): i32;
// @ts-ignore: decorator
@external("registrar_v1", "patch_client")
export declare function patch_client(ptr: usize, len: usize): i32;
// @ts-ignore: decorator
@external("registrar_v1", "patch_request")
export declare function patch_request(ptr: usize, len: usize): i32;
// @ts-ignore: decorator
@external("registrar_v1", "set_client_id")
export declare function set_client_id(ptr: usize, len: usize): void;
// @ts-ignore: decorator
@external("registrar_v1", "set_client_secret")
export declare function set_client_secret(ptr: usize, len: usize, expires_in: i64): void;
// @ts-ignore: decorator
@external("registrar_v1", "get_item")
export declare function get_item(kptr: usize, klen: usize, buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("registrar_v1", "set_item")
export declare function set_item(kptr: usize, klen: usize, vptr: usize, vlen: usize): void;
// @ts-ignore: decorator
@external("registrar_v1", "call_base")
export declare function call_base(): i32;
// @ts-ignore: decorator
@external("registrar_v1", "refuse")
export declare function refuse(cptr: usize, clen: usize, dptr: usize, dlen: usize): void;
// @ts-ignore: decorator
@external("registrar_v1", "fail")
export declare function fail(ptr: usize, len: usize): void;
// @ts-ignore: decorator
@external("registrar_v1", "log")
export declare function log(level: i32, ptr: usize, len: usize): void;
// @ts-ignore: decorator
@external("registrar_v1", "random")
export declare function random(ptr: usize, len: usize): void;
// @ts-ignore: decorator
@external("registrar_v1", "now")
export declare function now(): i64;
