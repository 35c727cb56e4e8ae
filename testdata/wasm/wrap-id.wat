;; Wraps the base: takes the ID that it assigned, read back from the client, and puts "wrapped-" before it. Where the
;; ID cannot be found it returns 3.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (import "registrar_v1" "read_client" (func $read_client (param i32 i32) (result i32)))
  (import "registrar_v1" "set_client_id" (func $set_client_id (param i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\"client_id\"")
  (data (i32.const 16) "wrapped-")
  ;; The address after the needle in the client's JSON, 0 if it is not there.
  (func $find (param $at i32) (param $end i32) (param $needle i32) (param $len i32) (result i32)
    (local $i i32)
    (block $absent
      (loop $again
        (br_if $absent (i32.gt_u (i32.add (local.get $at) (local.get $len)) (local.get $end)))
        (local.set $i (i32.const 0))
        (loop $compare
          (if (i32.eq (i32.load8_u (i32.add (local.get $at) (local.get $i)))
                      (i32.load8_u (i32.add (local.get $needle) (local.get $i))))
            (then
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $compare (i32.lt_u (local.get $i) (local.get $len)))
              (return (i32.add (local.get $at) (local.get $len))))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $again)))
    (i32.const 0))
  (func (export "add_client_id") (result i32)
    (local $at i32) (local $end i32)
    (if (call $call_base) (then (return (i32.const 1))))
    (local.set $end (i32.add (i32.const 1024) (call $read_client (i32.const 1024) (i32.const 130048))))
    ;; "client_id", then the quotes around its value; the needle's first byte is a quote.
    (local.set $at (call $find (i32.const 1024) (local.get $end) (i32.const 0) (i32.const 11)))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 3))))
    (local.set $at (call $find (local.get $at) (local.get $end) (i32.const 0) (i32.const 1)))
    (if (i32.eqz (local.get $at)) (then (return (i32.const 3))))
    (local.set $end (call $find (local.get $at) (local.get $end) (i32.const 0) (i32.const 1)))
    (if (i32.eqz (local.get $end)) (then (return (i32.const 3))))
    ;; The prefix overwrites the eight bytes before the ID, which are read already.
    (local.set $at (i32.sub (local.get $at) (i32.const 8)))
    (i64.store (local.get $at) (i64.load (i32.const 16)))
    (call $set_client_id (local.get $at) (i32.sub (i32.sub (local.get $end) (i32.const 1)) (local.get $at)))
    (i32.const 0)))
