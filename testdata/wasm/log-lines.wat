;; Logs 40 lines of ten bytes, "line-00-ok" to "line-39-ok": eight more than a registration may, which must be dropped and
;; counted and fail nothing.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "log" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "line-00-ok")
  (func (export "set_client_name") (result i32)
    (local $i i32)
    (loop $next
      (i32.store8 (i32.const 5) (i32.add (i32.const 48) (i32.div_u (local.get $i) (i32.const 10))))
      (i32.store8 (i32.const 6) (i32.add (i32.const 48) (i32.rem_u (local.get $i) (i32.const 10))))
      (call $log (i32.const 1) (i32.const 0) (i32.const 10))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 40))))
    (call $call_base)))
