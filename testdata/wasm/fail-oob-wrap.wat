;; A range whose end is 2^32 + 16: added up in 32 bits it wraps around to 16, inside the memory.
(module
  (import "registrar_v1" "set_client_id" (func $set_client_id (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (call $set_client_id (i32.const 0xfffffff0) (i32.const 32))
    (i32.const 0)))
