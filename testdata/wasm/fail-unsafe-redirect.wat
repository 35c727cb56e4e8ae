;; Patches in a redirect URI that runs as a script in a browser, after the step that would have refused it: an invariant
;; must.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "patch_client" (func $patch_client (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "{\"redirect_uris\":[\"javascript:alert(1)\"]}")
  (func (export "set_redirect_uris") (result i32)
    (if (call $call_base) (then (return (i32.const 1))))
    (if (call $patch_client (i32.const 0) (i32.const 41)) (then (return (i32.const 2))))
    (i32.const 0)))
