;; All validation steps, each of which only calls the base: must change nothing. It is one function with fourteen names,
;; because the host must distinguish steps by export name and not by function.
(module
  (import "registrar_v1" "call_base" (func $call_base (result i32)))
  (memory (export "memory") 1)
  (func
    (export "validate_software_statement")
    (export "set_grant_types")
    (export "set_redirect_uris")
    (export "set_scopes")
    (export "set_default_scopes")
    (export "set_secrets")
    (export "set_client_name")
    (export "set_logout_parameters")
    (export "set_max_age")
    (export "set_user_interface_properties")
    (export "set_public_client_properties")
    (export "set_access_token_properties")
    (export "set_id_token_properties")
    (export "set_server_side_session_properties")
    (result i32)
    (call $call_base)))
