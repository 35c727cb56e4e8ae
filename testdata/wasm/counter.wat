;; Counts its calls in a global and in memory. Each registration has an instance of its own, so the ID must always begin
;; with "fresh-1-1-"; a reused instance shows as 2 (or, if only one of the two was reset, as 1-2 or 2-1).
(module
  (import "registrar_v1" "random" (func $random (param i32 i32)))
  (import "registrar_v1" "set_client_id" (func $set_client_id (param i32 i32)))
  (memory (export "memory") 1)
  (global $calls (mut i32) (i32.const 0))
  (data (i32.const 0) "0123456789abcdef")
  (data (i32.const 16) "fresh-0-0-") ;; 22 and 24: the counts; 26: 16 hex characters
  (func (export "add_client_id") (result i32)
    (local $i i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store8 (i32.const 22) (i32.add (i32.const 48) (global.get $calls)))
    (i32.store8 (i32.const 24) (i32.add (i32.load8_u (i32.const 24)) (i32.const 1)))
    (call $random (i32.const 64) (i32.const 8))
    (loop $next
      (i32.store8 offset=26 (i32.shl (local.get $i) (i32.const 1))
        (i32.load8_u (i32.shr_u (i32.load8_u offset=64 (local.get $i)) (i32.const 4))))
      (i32.store8 offset=27 (i32.shl (local.get $i) (i32.const 1))
        (i32.load8_u (i32.and (i32.load8_u offset=64 (local.get $i)) (i32.const 15))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
    (call $set_client_id (i32.const 16) (i32.const 26))
    (i32.const 0)))
