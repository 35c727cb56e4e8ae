//! Registers only clients whose redirect URIs are all in the config,
//! `{"redirect_uris":["https://app.example/cb"]}`.

use registrar::{base, client, code, config, refuse, steps, Outcome};

steps!(set_redirect_uris);

fn set_redirect_uris() -> Outcome {
    base()?;
    let allowed = config().require("redirect_uris").strings();
    if let Some(uri) = client().redirect_uris().iter().find(|uri| !allowed.contains(uri)) {
        return refuse(code::INVALID_REDIRECT_URI, format!("redirect_uris: {uri} is not allowed here"));
    }
    Ok(())
}
