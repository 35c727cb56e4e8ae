;; First of a pair: sets an item in an early step, for items-read to use as the ID. It is random, so that two
;; registrations do not get the same ID.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "random" (func $random (param i32 i32)))
  (import "registrar_v1" "set_item" (func $set_item (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "0123456789abcdef")
  (data (i32.const 16) "item-") ;; 21: 16 hex characters
  (data (i32.const 48) "next_id")
  (func (export "set_grant_types") (result i32)
    (local $i i32)
    (call $random (i32.const 64) (i32.const 8))
    (loop $next
      (i32.store8 offset=21 (i32.shl (local.get $i) (i32.const 1))
        (i32.load8_u (i32.shr_u (i32.load8_u offset=64 (local.get $i)) (i32.const 4))))
      (i32.store8 offset=22 (i32.shl (local.get $i) (i32.const 1))
        (i32.load8_u (i32.and (i32.load8_u offset=64 (local.get $i)) (i32.const 15))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
    (call $set_item (i32.const 48) (i32.const 7) (i32.const 16) (i32.const 21))
    (call $call_base)))
