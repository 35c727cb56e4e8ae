;; One byte more of entropy than a registration may take. Without the trap the registration would succeed.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "random" (func $random (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (call $random (i32.const 0) (i32.const 4097))
    (call $call_base)))
