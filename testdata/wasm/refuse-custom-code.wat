;; Refuses with a code that no RFC knows, and a description with characters that an OAuth error may not hold: quotes, a
;; backslash, a line break, letters beyond ASCII.
(module
  (import "registrar_v1" "refuse" (func $refuse (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "my_code")
  (data (i32.const 16) "the name \"acme\" is \\ taken\nna\c3\afve \e6\97\a5\e6\9c\ac")
  (func (export "set_client_name") (result i32)
    (call $refuse (i32.const 0) (i32.const 7) (i32.const 16) (i32.const 40))
    (i32.const 1)))
