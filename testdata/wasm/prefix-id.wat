;; A naming convention for client IDs: "acme-" and 16 random bytes in hex.
(module
  (import "registrar_v1" "random" (func $random (param i32 i32)))
  (import "registrar_v1" "set_client_id" (func $set_client_id (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "0123456789abcdef")
  (data (i32.const 16) "acme-")
  (func (export "add_client_id") (result i32)
    (local $i i32)
    (call $random (i32.const 64) (i32.const 16))
    (loop $next
      (i32.store8 offset=21 (i32.shl (local.get $i) (i32.const 1))
        (i32.load8_u (i32.shr_u (i32.load8_u offset=64 (local.get $i)) (i32.const 4))))
      (i32.store8 offset=22 (i32.shl (local.get $i) (i32.const 1))
        (i32.load8_u (i32.and (i32.load8_u offset=64 (local.get $i)) (i32.const 15))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 16))))
    (call $set_client_id (i32.const 16) (i32.const 37))
    (i32.const 0)))
