;; Patches the request in two members of set_client_name, runs the base, and traps: neither may have an effect.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "patch_request" (func $patch_request (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "{\"client_name\":\"patched\",\"contacts\":[\"ops@acme.example\"]}")
  (func (export "set_client_name") (result i32)
    (if (call $patch_request (i32.const 0) (i32.const 57)) (then (return (i32.const 2))))
    (drop (call $call_base))
    (unreachable)))
