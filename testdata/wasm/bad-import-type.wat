;; Imports random with the wrong type: a 64-bit length.
(module
  (import "registrar_v1" "random" (func (param i32 i64)))
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (i32.const 0)))
