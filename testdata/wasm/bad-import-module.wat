;; Imports a version of the host module that does not exist.
(module
  (import "registrar_v2" "random" (func (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (i32.const 0)))
