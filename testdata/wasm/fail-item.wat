;; An item whose value has 4097 bytes. Without the trap the registration would succeed.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "set_item" (func $set_item (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "k")
  (func (export "add_client_id") (result i32)
    (call $set_item (i32.const 0) (i32.const 1) (i32.const 64) (i32.const 4097))
    (call $call_base)))
