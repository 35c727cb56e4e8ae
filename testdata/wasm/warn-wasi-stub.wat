;; Imports a WASI function that is linked to a stub, and never calls it: taken, with a warning.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (call $call_base)))
