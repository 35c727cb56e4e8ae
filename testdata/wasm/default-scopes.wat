;; Default scopes for clients that ask for none. It does not call the base, which would set the scopes that the operator
;; configured.
(module
  (import "registrar_v1" "patch_client" (func $patch_client (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "{\"scope\":\"acme.read acme.write\"}")
  (func (export "set_default_scopes") (result i32)
    (if (call $patch_client (i32.const 0) (i32.const 32)) (then (return (i32.const 2))))
    (i32.const 0)))
