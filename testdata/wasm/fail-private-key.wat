;; Patches in a key set that holds a private key (the example of RFC 7517, appendix A.2), after the step that would have
;; refused it: an invariant must.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "patch_client" (func $patch_client (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0)
    "{\"jwks\":{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"1\",\"use\":\"sig\","
    "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\","
    "\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\"}]}}")
  (func (export "set_secrets") (result i32)
    (if (call $call_base) (then (return (i32.const 1))))
    (if (call $patch_client (i32.const 0) (i32.const 218)) (then (return (i32.const 2))))
    (i32.const 0)))
