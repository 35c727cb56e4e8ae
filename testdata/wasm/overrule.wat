;; Overrules a refusal of the base: ignores its result.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (memory (export "memory") 1)
  (func (export "set_redirect_uris") (result i32)
    (drop (call $call_base))
    (i32.const 0)))
