//! Actions of the conformance module.

use registrar::json::Document;
use registrar::{base62, client, crc32, log, random_text, set_item, Level, Uri};

/// Keeps the parts of each URI of the config's list `uris` in an item, as testdata/vectors/README.md says.
pub fn uris(config: &Document) {
    for (i, text) in config.strings("uris").iter().enumerate() {
        set_item(&i.to_string(), Uri::parse(text).map(|uri| parts(&uri)).unwrap_or_default());
    }
}

fn parts(uri: &Uri<'_>) -> String {
    let all = [
        uri.scheme.clone(),
        uri.user_info.map(|part| format!("{part}@")).unwrap_or_default(),
        uri.host.clone(),
        uri.port.map(|part| format!(":{part}")).unwrap_or_default(),
        uri.path.to_string(),
        uri.query.map(|part| format!("?{part}")).unwrap_or_default(),
        uri.fragment.map(|part| format!("#{part}")).unwrap_or_default(),
    ];
    all.map(|part| if part.is_empty() { "-".to_string() } else { part }).join(" ")
}

/// Logs the name, tag and text of each form of the config's `member` in the client.
pub fn tagged(config: &Document) {
    for form in client().tagged(&config.string("member").unwrap_or_default()) {
        log(Level::Info, format!("{} {} {}", form.name, form.tag(), form.value.as_str().unwrap_or_default()));
    }
}

/// Logs the checksum of each text of the config's list `texts`.
pub fn checksums(config: &Document) {
    for text in config.strings("texts") {
        log(Level::Info, format!("{} {}", crc32(&text), base62(crc32(&text))));
    }
}

/// Logs a random text of the config's `alphabet` and `length`.
pub fn random(config: &Document) {
    let length = config.i64("length").unwrap_or_default();
    log(Level::Info, random_text(&config.string("alphabet").unwrap_or_default(), length as usize));
}
