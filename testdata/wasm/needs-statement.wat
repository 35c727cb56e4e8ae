;; Refuses clients without a verified software statement, or with one that lacks the claim "role".
(module
  (import "registrar_v1" "read_statement" (func $read_statement (param i32 i32) (result i32)))
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (memory (export "memory") 1)
  (func (export "set_client_name") (result i32)
    (local $end i32)
    (local $i i32)
    (local.set $end (i32.sub (call $read_statement (i32.const 0) (i32.const 65536)) (i32.const 4)))
    (loop $next
      (if (i32.gt_s (local.get $i) (local.get $end)) (then (return (i32.const 1))))
      (if (i32.eq (i32.load (local.get $i)) (i32.const 0x656c6f72)) (then (return (call $call_base)))) ;; "role"
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next))
    (unreachable)))
