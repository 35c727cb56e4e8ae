;; Beside a step exports a function that looks like one: taken, with a warning that names add_clientid.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (call $call_base))
  (func (export "add_clientid") (result i32)
    (call $call_base)))
