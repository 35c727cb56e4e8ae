//! The values that a script can read: the request, the client, the caller and others. Each call reads them anew.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Deref;

use crate::abi;
use crate::json::{Document, Value};

/// Reads a value, with a second call if it does not fit at first. Returns `None` if there is no value.
pub(crate) fn read(f: &dyn Fn(*mut u8, usize) -> i32) -> Option<Vec<u8>> {
    let mut buffer: Vec<u8> = Vec::with_capacity(2048);
    loop {
        let length = f(buffer.as_mut_ptr(), buffer.capacity());
        if length < 0 {
            return None;
        }
        let length = length as usize;
        if length <= buffer.capacity() {
            unsafe { buffer.set_len(length) } // the server wrote that much
            return Some(buffer);
        }
        buffer.reserve_exact(length);
    }
}

fn document(f: &dyn Fn(*mut u8, usize) -> i32) -> Option<Document> {
    let text = String::from_utf8(read(f)?).expect("the server writes UTF-8");
    Some(Document::parse(text).expect("the server writes objects"))
}

macro_rules! documents {
    ($($(#[$doc:meta])+ $name:ident;)+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone)]
        pub struct $name(Document);

        impl $name {
                        /// Parses JSON, for a script's unit tests.
            pub fn parse(json: &str) -> Result<Self, crate::json::Error> {
                Document::parse(json.to_owned()).map($name)
            }
        }

        impl Deref for $name {
            type Target = Document;

            fn deref(&self) -> &Document {
                &self.0
            }
        }
    )+};
}

documents! {
        /// The metadata of a client, as sent ([`request`]) or as built so far ([`client`]). Members that have no method
        /// are read by name: `client.string("logo_uri")`.
    Metadata;
        /// The caller that registers the client. See [`caller`].
    Caller;
        /// The operation, step and mode of a call. See [`context`].
    Context;
}

/// Returns the metadata as sent by the caller.
pub fn request() -> Metadata {
    Metadata(document(&|buf, cap| unsafe { abi::read_request(buf, cap) }).expect("every step has a request"))
}

/// Returns the client as built so far, without any secret.
pub fn client() -> Metadata {
    Metadata(document(&|buf, cap| unsafe { abi::read_client(buf, cap) }).expect("every step has a client"))
}

/// Returns the caller. On an update, it is the one that registered the client.
pub fn caller() -> Caller {
    Caller(document(&|buf, cap| unsafe { abi::read_caller(buf, cap) }).expect("every step has a caller"))
}

/// Returns the operation, step and mode of this call.
pub fn context() -> Context {
    Context(document(&|buf, cap| unsafe { abi::read_context(buf, cap) }).expect("every step has a context"))
}

/// Returns the script's configuration from the deployment.
pub fn config() -> Document {
    document(&|buf, cap| unsafe { abi::read_config(buf, cap) }).expect("every script has a configuration")
}

/// Returns the verified claims of the software statement, if there is one.
pub fn statement() -> Option<Document> {
    document(&|buf, cap| unsafe { abi::read_statement(buf, cap) })
}

impl Metadata {
    /// The client ID, once it is set.
    pub fn client_id(&self) -> Option<String> {
        self.string("client_id")
    }

    /// The name to show to users.
    pub fn client_name(&self) -> Option<String> {
        self.string("client_name")
    }

    /// The redirect URIs.
    pub fn redirect_uris(&self) -> Vec<String> {
        self.strings("redirect_uris")
    }

    /// The grant types.
    pub fn grant_types(&self) -> Vec<String> {
        self.strings("grant_types")
    }

    /// The response types.
    pub fn response_types(&self) -> Vec<String> {
        self.strings("response_types")
    }

    /// The authentication method; `none` for a public client.
    pub fn token_endpoint_auth_method(&self) -> Option<String> {
        self.string("token_endpoint_auth_method")
    }

    /// The scopes in `scope`.
    pub fn scopes(&self) -> Vec<String> {
        let scope = self.get("scope").and_then(Value::as_str).unwrap_or_default();
        scope.split(' ').filter(|s| !s.is_empty()).map(ToOwned::to_owned).collect()
    }
}

impl Caller {
    /// `none`, `initial_access_token`, `jwt`, `registration_access_token` or `admin`.
    pub fn auth(&self) -> String {
        self.string("auth").unwrap_or_default()
    }

    /// The issuer of the caller's token.
    pub fn issuer(&self) -> Option<String> {
        self.string("issuer")
    }

    /// The subject of the caller's token.
    pub fn subject(&self) -> Option<String> {
        self.string("subject")
    }

    /// The ID of the caller's token.
    pub fn token_id(&self) -> Option<String> {
        self.string("token_id")
    }

    /// The scopes of the caller's token.
    pub fn scopes(&self) -> Vec<String> {
        self.strings("scopes")
    }

    /// Reports whether the caller's token has a scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.get("scopes").map_or(false, |list| list.items().any(|s| s.as_str().as_deref() == Some(scope)))
    }

    /// The IP address of the caller.
    pub fn ip(&self) -> Option<String> {
        self.string("ip")
    }

    /// The claims of the caller's token.
    pub fn claims(&self) -> Option<Value<'_>> {
        self.get("claims")
    }
}

impl Context {
    /// `register`, `update`, `rotate_secret` or `metadata_document`. Treat unknown operations as `register`.
    pub fn operation(&self) -> String {
        self.string("operation").unwrap_or_default()
    }

    /// The name of the step.
    pub fn step(&self) -> String {
        self.string("step").unwrap_or_default()
    }

    /// `enforce`, `shadow`, `canary`, `dry_run` or `replay`. Treat unknown modes as `enforce`.
    pub fn mode(&self) -> String {
        self.string("mode").unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_whole_however_long() {
        for length in [0, 1, 2048, 2049, 70_000] {
            let value: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let got = read(&|buf, cap| {
                if length <= cap {
                    unsafe { core::ptr::copy_nonoverlapping(value.as_ptr(), buf, length) }
                }
                length as i32
            });
            assert_eq!(got, Some(value), "{length} bytes");
        }
        assert_eq!(read(&|_, _| -1), None);
    }

    #[test]
    fn metadata_has_its_members() {
        let m = Metadata::parse(
            r#"{"client_id":"c","client_name":null,"redirect_uris":["a","b"],"scope":" read  write ","logo_uri":"l"}"#,
        )
        .unwrap();
        assert_eq!((m.client_id().as_deref(), m.client_name()), (Some("c"), None));
        assert_eq!((m.redirect_uris().len(), m.grant_types().len()), (2, 0));
        assert_eq!(m.scopes(), ["read", "write"]);
        assert_eq!(m.string("logo_uri").as_deref(), Some("l"));
        assert!(Metadata::parse("{}").unwrap().scopes().is_empty());
    }

    #[test]
    fn callers_have_scopes_and_claims() {
        let c = Caller::parse(r#"{"auth":"jwt","subject":"s","scopes":["dcr","read"],"claims":{"team":"x"}}"#).unwrap();
        assert!(c.has_scope("dcr") && c.has_scope("read") && !c.has_scope("rea") && !c.has_scope("dcr read"));
        assert_eq!(c.claims().unwrap().get("team").unwrap().text(), "\"x\"");
        let nobody = Caller::parse(r#"{"auth":"none"}"#).unwrap();
        assert!(!nobody.has_scope("") && nobody.claims().is_none() && nobody.scopes().is_empty());
    }
}
