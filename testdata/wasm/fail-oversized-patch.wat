;; A patch of 128 KiB and one byte. Valid but for its length: spaces follow the object.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "patch_client" (func $patch_client (param i32 i32) (result i32)))
  (memory (export "memory") 3)
  (data (i32.const 0) "{\"client_name\":\"large\"}")
  (func (export "add_client_id") (result i32)
    (local $i i32)
    (local.set $i (i32.const 23))
    (loop $next
      (i32.store8 (local.get $i) (i32.const 32))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 131073))))
    (drop (call $patch_client (i32.const 0) (i32.const 131073)))
    (call $call_base)))
