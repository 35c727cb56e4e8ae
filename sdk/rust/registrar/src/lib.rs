//! The SDK for registration scripts in Rust: typed host functions of `registrar_v1`, and a small JSON library.
//!
//! ```ignore
//! use registrar::{hex, random, set_client_id, steps, Outcome};
//!
//! steps!(add_client_id);
//!
//! fn add_client_id() -> Outcome {
//!     set_client_id(&format!("acme-{}", hex(&random::<16>())));
//!     Ok(())
//! }
//! ```
//!
//! A step is a function that returns an [`Outcome`]; [`steps!`] exports it. It can run what it replaced ([`base`]),
//! read the [`request`], the [`client`] as built so far, the [`caller`], the script's own [`config`], and change the
//! client ([`patch`]) or [`refuse`] it. A script that panics fails: the client gets a 500, and nothing is stored.
#![no_std]

extern crate alloc;
#[cfg(any(test, all(feature = "std", target_arch = "wasm32")))]
extern crate std;

mod abi;
mod address;
#[cfg(any(test, all(feature = "allocator", target_arch = "wasm32")))]
mod allocator;
mod encoding;
mod facts;
pub mod json;
mod patchrequest;
mod require;
mod tagged;
mod text;
mod uri;

use alloc::string::String;
use alloc::vec::Vec;

pub use encoding::{base64url, hex};
pub use facts::{caller, client, config, context, request, statement, Caller, Context, Metadata};
pub use patchrequest::{patch_request, patch_request_json};
pub use require::Required;
pub use tagged::Tagged;
pub use text::{base62, crc32, random_text, BASE62, MAX_RANDOM_TEXT};
pub use uri::Uri;

/// The result of a step: `Ok(())` keeps its changes, an error discards them.
pub type Outcome = Result<(), Stop>;

/// The reason why a step ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The client is refused, for the reason of [`refuse`] or of the base.
    Refused,
    /// The script failed: the client gets a 500, and the log has the reason.
    Failed,
}

/// Error codes of [`refuse`]. Others become [`INVALID_CLIENT_METADATA`](code::INVALID_CLIENT_METADATA).
pub mod code {
    /// A redirect URI is not allowed (RFC 7591 section 3.2.2).
    pub const INVALID_REDIRECT_URI: &str = "invalid_redirect_uri";
    /// A member is not allowed.
    pub const INVALID_CLIENT_METADATA: &str = "invalid_client_metadata";
    /// The software statement is not valid.
    pub const INVALID_SOFTWARE_STATEMENT: &str = "invalid_software_statement";
    /// The software statement is not approved.
    pub const UNAPPROVED_SOFTWARE_STATEMENT: &str = "unapproved_software_statement";
    /// The caller needs another token: 401 instead of 400.
    pub const INVALID_TOKEN: &str = "invalid_token";
    /// The caller is not allowed to: 403 instead of 400.
    pub const INSUFFICIENT_SCOPE: &str = "insufficient_scope";
}

/// Exports functions of the type `fn() -> Outcome` as the steps of their names: `steps!(set_scopes, add_client_id)`.
/// Other names than those of steps do not compile.
#[macro_export]
macro_rules! steps {
    ($($step:ident),+ $(,)?) => {$(
        const _: () = {
            const _: () = $crate::step::$step;
            const STEP: fn() -> $crate::Outcome = $step;
            const _: () = {
                #[no_mangle]
                extern "C" fn $step() -> i32 {
                    $crate::run(STEP)
                }
            };
        };
    )+};
}

/// The names of the steps, for [`steps!`].
#[doc(hidden)]
#[allow(non_upper_case_globals)]
pub mod step {
    macro_rules! names {
        ($($name:ident)+) => {$(pub const $name: () = ();)+};
    }
    names! {
        validate_software_statement set_grant_types set_redirect_uris set_scopes set_default_scopes set_secrets
        set_client_name set_logout_parameters set_max_age set_user_interface_properties set_public_client_properties
        set_access_token_properties set_id_token_properties set_server_side_session_properties
        add_client_id add_client_secret generate_secret build_response
    }
}

/// Runs a step and returns its result as an exit code of the ABI. [`steps!`] calls it.
#[doc(hidden)]
pub fn run(step: fn() -> Outcome) -> i32 {
    report_panics();
    match step() {
        Ok(()) => 0,
        Err(Stop::Refused) => 1,
        Err(Stop::Failed) => 2,
    }
}

#[cfg(all(feature = "std", target_arch = "wasm32"))]
fn report_panics() {
    use alloc::{boxed::Box, string::ToString};
    std::panic::set_hook(Box::new(|info| fail(info.to_string())));
}

#[cfg(not(all(feature = "std", target_arch = "wasm32")))]
fn report_panics() {}

/// Runs what this step replaced. `base()?` keeps its refusal; drop the error to overrule it. Panics when called a
/// second time in a step.
pub fn base() -> Outcome {
    match unsafe { abi::call_base() } {
        0 => Ok(()),
        _ => Err(Stop::Refused),
    }
}

/// Refuses the client, with a code from [`code`]: `return refuse(code::INVALID_REDIRECT_URI, "…")`. The caller sees the
/// description.
pub fn refuse<T>(code: &str, description: impl AsRef<str>) -> Result<T, Stop> {
    let description = description.as_ref();
    unsafe { abi::refuse(code.as_ptr(), code.len(), description.as_ptr(), description.len()) }
    Err(Stop::Refused)
}

/// Ends the script with a failure, for a reason that the server's log shows. The feature `std` makes a panic do this; a
/// script with its own `#[panic_handler]` calls it there.
pub fn fail(reason: impl AsRef<str>) -> ! {
    let reason = reason.as_ref();
    unsafe { abi::fail(reason.as_ptr(), reason.len()) }
    unreachable()
}

#[cfg(target_arch = "wasm32")]
fn unreachable() -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
fn unreachable() -> ! {
    unreachable!()
}

/// The server rejected a patch: it changes a member that only the server sets, or an unknown one that is not echoed, or
/// it has a value of the wrong type. The log has the reason. Nothing was changed. With `?` it is a failure
/// of the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatchRefused;

impl From<PatchRefused> for Stop {
    fn from(_: PatchRefused) -> Stop {
        Stop::Failed
    }
}

/// Changes the client's metadata by a JSON Merge Patch (RFC 7396): `patch(Object::new().set("client_name", "x"))?`.
pub fn patch(patch: json::Object) -> Result<(), PatchRefused> {
    patch_json(&patch.text())
}

/// Like [`patch`], with a patch that is JSON text.
pub fn patch_json(patch: &str) -> Result<(), PatchRefused> {
    match unsafe { abi::patch_client(patch.as_ptr(), patch.len()) } {
        0 => Ok(()),
        _ => Err(PatchRefused),
    }
}

/// Reports whether a client ID is taken. IDs of more than 255 bytes never are.
pub fn client_exists(id: &str) -> bool {
    id.len() <= 255 && unsafe { abi::client_exists(id.as_ptr(), id.len()) } == 1
}

/// Sets the client ID, in `add_client_id`: 1 to 255 visible ASCII characters, not `.`, `..` or an http or https URL.
/// Traps for an invalid ID.
pub fn set_client_id(id: &str) {
    unsafe { abi::set_client_id(id.as_ptr(), id.len()) }
}

/// The lifetime of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expires {
    /// The server's default.
    Default,
    /// The secret never expires.
    Never,
    /// Seconds: 1 or more, at most a hundred years.
    In(u32),
}

impl Expires {
    fn seconds(self) -> i64 {
        match self {
            Expires::Default => 0,
            Expires::Never => -1,
            Expires::In(0) => panic!("a secret that expires in 0 seconds: say Expires::Default or Expires::Never"),
            Expires::In(seconds) => seconds.into(),
        }
    }
}

/// Sets the client secret, in `generate_secret` and `add_client_secret`: 32 to 255 visible ASCII characters. Traps for
/// an invalid secret.
pub fn set_client_secret(secret: &str, expires: Expires) {
    unsafe { abi::set_client_secret(secret.as_ptr(), secret.len(), expires.seconds()) }
}

/// Returns an item that a script set in this registration. Invalid UTF-8 becomes U+FFFD.
pub fn item(key: &str) -> Option<String> {
    facts::read(&|buf, cap| unsafe { abi::get_item(key.as_ptr(), key.len(), buf, cap) })
        .map(|value| String::from_utf8(value).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

/// Sets an item for later steps of this registration: at most 64 of 4 KiB, with keys of at most 255 bytes.
pub fn set_item(key: &str, value: impl AsRef<[u8]>) {
    let value = value.as_ref();
    unsafe { abi::set_item(key.as_ptr(), key.len(), value.as_ptr(), value.len()) }
}

/// The severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// Writes a line to the server's log: `log(Level::Info, format!("{n} scopes"))`. Beyond 32 lines or 4 KiB per
/// registration, lines are dropped.
pub fn log(level: Level, line: impl AsRef<str>) {
    let line = line.as_ref();
    unsafe { abi::log(level as u32, line.as_ptr(), line.len()) }
}

/// Returns random bytes of the server, fit for secrets: `random::<32>()`. A registration may read 4 KiB.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    unsafe { abi::random(bytes.as_mut_ptr(), N) }
    bytes
}

/// Like [`random`], for a length that is known only at run time.
pub fn random_bytes(length: usize) -> Vec<u8> {
    let mut bytes = alloc::vec![0; length];
    unsafe { abi::random(bytes.as_mut_ptr(), length) }
    bytes
}

/// Returns the arrival time of the request, in milliseconds since 1970. It is constant in a registration.
pub fn now() -> i64 {
    unsafe { abi::now() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done() -> Outcome {
        Ok(())
    }

    fn failed() -> Outcome {
        Err(PatchRefused)?;
        Ok(())
    }

    #[test]
    fn outcomes_are_what_the_server_knows() {
        assert_eq!(run(done), 0);
        assert_eq!(run(|| Err(Stop::Refused)), 1);
        assert_eq!(run(failed), 2);
    }

    #[test]
    fn expiry_is_in_the_servers_terms() {
        assert_eq!([Expires::Default, Expires::Never, Expires::In(1)].map(Expires::seconds), [0, -1, 1]);
        assert!(std::panic::catch_unwind(|| Expires::In(0).seconds()).is_err());
    }

    #[test]
    #[should_panic(expected = "random works only in the server")]
    fn functions_of_the_server_say_where_they_work() {
        random::<1>();
    }

    #[test]
    fn an_id_too_long_for_a_client_is_not_taken() {
        assert!(!client_exists(&"x".repeat(256)));
    }
}
