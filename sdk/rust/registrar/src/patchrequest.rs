use crate::{abi, json, PatchRefused};

/// Changes the request by a JSON Merge Patch (RFC 7396), as the steps that have not yet run read it: call it before
/// [`base`](crate::base). The server rejects members that an earlier step has set, that the software statement has, or
/// that scripts may not change.
pub fn patch_request(patch: json::Object) -> Result<(), PatchRefused> {
    patch_request_json(&patch.text())
}

/// Like [`patch_request`], with a patch that is JSON text.
pub fn patch_request_json(patch: &str) -> Result<(), PatchRefused> {
    match unsafe { abi::patch_request(patch.as_ptr(), patch.len()) } {
        0 => Ok(()),
        _ => Err(PatchRefused),
    }
}
