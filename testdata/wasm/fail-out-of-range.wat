;; An ID that reaches past the end of the memory by one byte.
(module
  (import "registrar_v1" "set_client_id" (func $set_client_id (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (call $set_client_id (i32.const 65527) (i32.const 10))
    (i32.const 0)))
