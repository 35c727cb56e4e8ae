;; Always the same ID: the second client cannot have it, and asking again does not help.
(module
  (import "registrar_v1" "set_client_id" (func $set_client_id (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "fixed-id")
  (func (export "add_client_id") (result i32)
    (call $set_client_id (i32.const 0) (i32.const 8))
    (i32.const 0)))
