//! Sets the client ID and the secret from the request's members `requested_client_id` and `requested_client_secret`. An
//! ID that is taken is refused. The server generates what is not requested.

use registrar::json::Value;
use registrar::{
    base, client_exists, code, refuse, request, set_client_id, set_client_secret, steps, Expires, Metadata, Outcome,
};

steps!(add_client_id, generate_secret);

fn add_client_id() -> Outcome {
    let request = request();
    let value = match asked(&request, "requested_client_id") {
        Some(value) => value,
        None => return base(),
    };
    match value.as_str().filter(|id| is_id(id)) {
        None => refuse(code::INVALID_CLIENT_METADATA, "requested_client_id must be 1 to 64 letters, digits, - and _"),
        Some(id) if client_exists(&id) => refuse(code::INVALID_CLIENT_METADATA, "requested_client_id is taken"),
        Some(id) => {
            set_client_id(&id);
            Ok(())
        }
    }
}

fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Runs only for clients that need a secret; public clients get none.
fn generate_secret() -> Outcome {
    let request = request();
    let value = match asked(&request, "requested_client_secret") {
        Some(value) => value,
        None => return base(),
    };
    match value.as_str().filter(|secret| is_secret(secret)) {
        None => {
            refuse(code::INVALID_CLIENT_METADATA, "requested_client_secret must be 32 to 255 visible ASCII characters")
        }
        Some(secret) => {
            set_client_secret(&secret, Expires::Default);
            Ok(())
        }
    }
}

fn is_secret(secret: &str) -> bool {
    (32..=255).contains(&secret.len()) && secret.bytes().all(|b| b.is_ascii_graphic())
}

/// Returns a member of the request, `None` if it is absent or `null`.
fn asked<'a>(request: &'a Metadata, name: &str) -> Option<Value<'a>> {
    request.get(name).filter(|value| !value.is_null())
}
