;; Grows its memory by 1,000 pages and traps if that fails. Otherwise the registration succeeds.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then (unreachable)))
    (call $call_base)))
