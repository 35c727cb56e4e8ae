;; 65 items, "0" to "p". Without the trap at the last the registration would succeed.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "set_item" (func $set_item (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "add_client_id") (result i32)
    (local $i i32)
    (loop $next
      (i32.store8 (i32.const 0) (i32.add (i32.const 48) (local.get $i)))
      (call $set_item (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 65))))
    (call $call_base)))
