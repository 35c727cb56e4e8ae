//! The host functions of `registrar_v1`. Outside WebAssembly, such as in a script's unit tests, they panic.

macro_rules! imports {
    ($(fn $name:ident($($param:ident: $type:ty),*) $(-> $result:ty)?;)+) => {
        #[cfg(target_arch = "wasm32")]
        #[link(wasm_import_module = "registrar_v1")]
        extern "C" {
            $(pub fn $name($($param: $type),*) $(-> $result)?;)+
        }
        $(
            #[cfg(not(target_arch = "wasm32"))]
            pub unsafe fn $name($(_: $type),*) $(-> $result)? {
                panic!(concat!(stringify!($name), " works only in the server"))
            }
        )+
    };
}

imports! {
    fn read_context(buf: *mut u8, cap: usize) -> i32;
    fn read_request(buf: *mut u8, cap: usize) -> i32;
    fn read_client(buf: *mut u8, cap: usize) -> i32;
    fn read_statement(buf: *mut u8, cap: usize) -> i32;
    fn read_caller(buf: *mut u8, cap: usize) -> i32;
    fn read_config(buf: *mut u8, cap: usize) -> i32;
    fn client_exists(ptr: *const u8, len: usize) -> i32;
    fn patch_client(ptr: *const u8, len: usize) -> i32;
    fn patch_request(ptr: *const u8, len: usize) -> i32;
    fn set_client_id(ptr: *const u8, len: usize);
    fn set_client_secret(ptr: *const u8, len: usize, expires_in: i64);
    fn get_item(kptr: *const u8, klen: usize, buf: *mut u8, cap: usize) -> i32;
    fn set_item(kptr: *const u8, klen: usize, vptr: *const u8, vlen: usize);
    fn call_base() -> i32;
    fn refuse(cptr: *const u8, clen: usize, dptr: *const u8, dlen: usize);
    fn fail(ptr: *const u8, len: usize);
    fn log(level: u32, ptr: *const u8, len: usize);
    fn random(ptr: *mut u8, len: usize);
    fn now() -> i64;
}
