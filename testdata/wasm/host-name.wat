;; Has the name of the host module, registrar_v1, in its name section, and exports functions with the names of host
;; functions. They must not replace the host module: they trap if another script calls them. (Built with --debug-names,
;; which writes the module's name into the binary.)
(module $registrar_v1
  (import "registrar_v1" "random" (func $random (param i32 i32)))
  (import "registrar_v1" "set_client_id" (func $set_client_id (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "0123456789abcdef")
  (data (i32.const 16) "host-name-") ;; 26: 16 hex characters
  (func (export "random") (param i32 i32)
    (unreachable))
  (func (export "set_client_id") (param i32 i32)
    (unreachable))
  (func (export "call_base") (result i32)
    (unreachable))
  (func (export "add_client_id") (result i32)
    (local $i i32)
    (call $random (i32.const 64) (i32.const 8))
    (loop $next
      (i32.store8 offset=26 (i32.shl (local.get $i) (i32.const 1))
        (i32.load8_u (i32.shr_u (i32.load8_u offset=64 (local.get $i)) (i32.const 4))))
      (i32.store8 offset=27 (i32.shl (local.get $i) (i32.const 1))
        (i32.load8_u (i32.and (i32.load8_u offset=64 (local.get $i)) (i32.const 15))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
    (call $set_client_id (i32.const 16) (i32.const 26))
    (i32.const 0)))
