//! A naming convention for client IDs in Rust, with its standard library: "rust-" and 16 random bytes in hex.

#[link(wasm_import_module = "registrar_v1")]
extern "C" {
    fn random(ptr: *mut u8, len: usize);
    fn set_client_id(ptr: *const u8, len: usize);
}

#[no_mangle]
pub extern "C" fn add_client_id() -> i32 {
    let mut bytes = [0u8; 16];
    unsafe { random(bytes.as_mut_ptr(), bytes.len()) };
    let mut id = String::from("rust-");
    for byte in bytes {
        id += &format!("{byte:02x}");
    }
    unsafe { set_client_id(id.as_ptr(), id.len()) };
    0
}
