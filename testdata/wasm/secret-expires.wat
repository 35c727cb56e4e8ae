;; A secret of 48 characters that expires in an hour.
(module
  (import "registrar_v1" "random" (func $random (param i32 i32)))
  (import "registrar_v1" "set_client_secret" (func $set_client_secret (param i32 i32 i64)))
  (memory (export "memory") 1)
  ;; 64 characters, so that six bits of a byte choose one without bias.
  (data (i32.const 0) "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
  (func (export "generate_secret") (result i32)
    (local $i i32)
    (call $random (i32.const 64) (i32.const 48))
    (loop $next
      (i32.store8 offset=64 (local.get $i)
        (i32.load8_u (i32.and (i32.load8_u offset=64 (local.get $i)) (i32.const 63))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 48))))
    (call $set_client_secret (i32.const 64) (i32.const 48) (i64.const 3600))
    (i32.const 0)))
