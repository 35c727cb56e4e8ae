;; Everything exactly at its bound, the counterpart of the fail-… modules: an ID and a secret of 255 characters, 4096
;; bytes of entropy, a patch of 128 KiB, 64 items of 4096 bytes. Must succeed.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "patch_client" (func $patch_client (param i32 i32) (result i32)))
  (import "registrar_v1" "set_item" (func $set_item (param i32 i32 i32 i32)))
  (import "registrar_v1" "random" (func $random (param i32 i32)))
  (import "registrar_v1" "set_client_id" (func $set_client_id (param i32 i32)))
  (import "registrar_v1" "set_client_secret" (func $set_client_secret (param i32 i32 i64)))
  (memory (export "memory") 3)
  (data (i32.const 0) "{\"client_name\":\"at-limits\"}") ;; then spaces up to 128 KiB
  (func $fill (param $from i32) (param $to i32) (param $byte i32)
    (loop $next
      (i32.store8 (local.get $from) (local.get $byte))
      (br_if $next (i32.lt_u (local.tee $from (i32.add (local.get $from) (i32.const 1))) (local.get $to)))))
  (func (export "set_client_name") (result i32)
    (local $i i32)
    (if (call $call_base) (then (return (i32.const 1))))
    (call $fill (i32.const 27) (i32.const 131072) (i32.const 32))
    (if (call $patch_client (i32.const 0) (i32.const 131072)) (then (return (i32.const 2))))
    ;; The keys are one character each, '0' to 'o'.
    (loop $next
      (i32.store8 (i32.const 0) (i32.add (i32.const 48) (local.get $i)))
      (call $set_item (i32.const 0) (i32.const 1) (i32.const 64) (i32.const 4096))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 64))))
    (i32.const 0))
  (func (export "add_client_id") (result i32)
    (local $i i32)
    (call $random (i32.const 1024) (i32.const 4096))
    ;; One letter for each random byte.
    (loop $next
      (i32.store8 offset=1024 (local.get $i)
        (i32.add (i32.const 97) (i32.and (i32.load8_u offset=1024 (local.get $i)) (i32.const 15))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 255))))
    (call $set_client_id (i32.const 1024) (i32.const 255))
    (i32.const 0))
  (func (export "generate_secret") (result i32)
    (call $fill (i32.const 1024) (i32.const 1279) (i32.const 115))
    (call $set_client_secret (i32.const 1024) (i32.const 255) (i64.const 0))
    (i32.const 0)))
