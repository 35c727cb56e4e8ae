;; _initialize fails where its first random byte is 255, after a line of the log. It draws random data for something
;; that is no generator, so it runs in each instance.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "random" (func $random (param i32 i32)))
  (import "registrar_v1" "log" (func $log (param i32 i32 i32)))
  (import "registrar_v1" "fail" (func $fail (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "an unlucky byte")
  (func (export "_initialize")
    (call $random (i32.const 64) (i32.const 1))
    (if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 255))
      (then
        (call $log (i32.const 1) (i32.const 3) (i32.const 7))
        (call $fail (i32.const 0) (i32.const 15)))))
  (func (export "add_client_id") (result i32)
    (call $call_base)))
