;; Patches the name in set_grant_types, after the base. set_client_name, which comes later, overwrites it.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "patch_client" (func $patch_client (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "{\"client_name\":\"early\"}")
  (func (export "set_grant_types") (result i32)
    (if (call $call_base) (then (return (i32.const 1))))
    (if (call $patch_client (i32.const 0) (i32.const 23)) (then (return (i32.const 2))))
    (i32.const 0)))
