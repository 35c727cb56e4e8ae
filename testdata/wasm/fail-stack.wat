;; Calls itself without end. Something is left to do after each call, so that no optimiser makes a loop of it.
(module
  (memory (export "memory") 1)
  (func $deeper (param $depth i32) (result i32)
    (i32.add (local.get $depth) (call $deeper (i32.add (local.get $depth) (i32.const 1)))))
  (func (export "add_client_id") (result i32)
    (call $deeper (i32.const 0))))
