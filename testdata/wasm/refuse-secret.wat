;; Makes no secret: refuses in generate_secret, so where a client registers with one, renews it, or has it rotated.
(module
  (import "registrar_v1" "refuse" (func $refuse (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "invalid_client_metadata")
  (data (i32.const 32) "clients of this server have no secrets")
  (func (export "generate_secret") (result i32)
    (call $refuse (i32.const 0) (i32.const 23) (i32.const 32) (i32.const 38))
    (i32.const 1)))
