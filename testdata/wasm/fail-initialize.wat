;; _initialize reads the request. There is no registration yet, so it must trap.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "read_request" (func $read_request (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_initialize")
    (drop (call $read_request (i32.const 0) (i32.const 65536))))
  (func (export "add_client_id") (result i32)
    (call $call_base)))
