;; Makes every client public: patches the request before the base reads it, once set_grant_types and the name before
;; set_client_name. Refuses where the patch is not allowed, as with a software statement that says otherwise.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "patch_request" (func $patch_request (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "{\"token_endpoint_auth_method\":\"none\",\"require_client_secret\":null}")
  (data (i32.const 128) "{\"client_name\":\"patched\"}")
  (func (export "set_grant_types") (result i32)
    (if (call $patch_request (i32.const 0) (i32.const 66)) (then (return (i32.const 1))))
    (call $call_base))
  (func (export "set_client_name") (result i32)
    (if (call $patch_request (i32.const 128) (i32.const 25)) (then (return (i32.const 1))))
    (call $call_base)))
