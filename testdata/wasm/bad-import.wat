;; Imports a function that registrar_v1 does not have: a misspelt set_client_id.
(module
  (import "registrar_v1" "set_clientid" (func (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (i32.const 0)))
