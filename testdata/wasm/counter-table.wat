;; Counts its calls in its table, which holds the digit's function and is changed with each call. Each registration has
;; an instance of its own, so the ID must always begin with "fresh-1-".
(module
  (import "registrar_v1" "random" (func $random (param i32 i32)))
  (import "registrar_v1" "set_client_id" (func $set_client_id (param i32 i32)))
  (memory (export "memory") 1)
  (type $digit (func (result i32)))
  (table 1 funcref)
  (elem (i32.const 0) $one)
  (elem declare func $two)
  (data (i32.const 0) "0123456789abcdef")
  (data (i32.const 16) "fresh-0-") ;; 22: the count; 24: 16 hex characters
  (func $one (result i32) (i32.const 49))
  (func $two (result i32) (i32.const 50))
  (func (export "add_client_id") (result i32)
    (local $i i32)
    (i32.store8 (i32.const 22) (call_indirect (type $digit) (i32.const 0)))
    (table.set 0 (i32.const 0) (ref.func $two))
    (call $random (i32.const 64) (i32.const 8))
    (loop $next
      (i32.store8 offset=24 (i32.shl (local.get $i) (i32.const 1))
        (i32.load8_u (i32.shr_u (i32.load8_u offset=64 (local.get $i)) (i32.const 4))))
      (i32.store8 offset=25 (i32.shl (local.get $i) (i32.const 1))
        (i32.load8_u (i32.and (i32.load8_u offset=64 (local.get $i)) (i32.const 15))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
    (call $set_client_id (i32.const 16) (i32.const 24))
    (i32.const 0)))
