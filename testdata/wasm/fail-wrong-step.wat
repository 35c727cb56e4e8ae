;; Sets the client ID in a step where none may be set. Without the trap the registration would succeed.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "set_client_id" (func $set_client_id (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "too-early")
  (func (export "set_client_name") (result i32)
    (call $set_client_id (i32.const 0) (i32.const 9))
    (call $call_base)))
