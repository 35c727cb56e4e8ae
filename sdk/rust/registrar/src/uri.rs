use alloc::string::String;

use crate::address::{self, is_ipv4};

/// The parts of an absolute URI (RFC 3986 §3), as written and not decoded, except that scheme and host are in lower
/// case, and an IPv6 address is as in RFC 5952.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri<'a> {
    /// The scheme.
    pub scheme: String,
    /// The user information, without the `@`.
    pub user_info: Option<&'a str>,
    /// The host, an IPv6 address without brackets; empty if there is none.
    pub host: String,
    /// The port; `None` if there is none, or an empty one.
    pub port: Option<u16>,
    /// The path.
    pub path: &'a str,
    /// The query, without the `?`.
    pub query: Option<&'a str>,
    /// The fragment, without the `#`.
    pub fragment: Option<&'a str>,
}

impl<'a> Uri<'a> {
    /// Returns the parts of an absolute URI, and `None` for any other text. It refuses what programs read in different
    /// ways, so that a rule about hosts sees the host that a browser connects to, as the server does: characters
    /// outside RFC 3986 §2, a percent sign without two digits after it or in the host, a second `@`, an http or https
    /// URI without a host of letters, digits, hyphens, underscores and dots, a port above 65535, an IPv4 address in
    /// another spelling than four decimal numbers, an IPv6 address with a zone or of an IPv4 address. Unlike the server
    /// it accepts user information, every scheme, and each host name that begins with `xn--`.
    pub fn parse(text: &'a str) -> Option<Self> {
        if !all_uri_characters(text.as_bytes()) {
            return None;
        }
        let (scheme, rest) = text.split_once(':')?;
        if !is_scheme(scheme.as_bytes()) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let (rest, fragment) = cut(rest, '#');
        let (rest, query) = cut(rest, '?');
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None => ("", rest),
        };
        let after = [path, query.unwrap_or(""), fragment.unwrap_or("")];
        if after.iter().any(|part| part.contains(&['[', ']', '#'][..])) {
            return None;
        }
        let (user_info, host) = match authority.split_once('@') {
            Some((user_info, host)) => (Some(user_info), host),
            None => (None, authority),
        };
        if user_info.map_or(false, |part| part.contains(&['[', ']'][..])) || host.contains('@') {
            return None;
        }
        let (host, port) = split_port(host)?;
        if host.is_empty() && port.is_some() {
            return None;
        }
        let web = scheme == "https" || scheme == "http";
        let host = read_host(host, web)?;
        Some(Uri { scheme, user_info, host, port, path, query, fragment })
    }
}

/// Cuts a text at a separator; `None` if there is no separator.
fn cut(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// Reports whether a text has only characters of RFC 3986 §2, and two digits after each percent sign.
fn all_uri_characters(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(i, c)| match c {
        b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => false,
        b'%' => text.len() > i + 2 && text[i + 1].is_ascii_hexdigit() && text[i + 2].is_ascii_hexdigit(),
        _ => c.is_ascii_graphic(),
    })
}

/// Reports whether a text is a scheme (RFC 3986 §3.1).
fn is_scheme(text: &[u8]) -> bool {
    let inner = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.');
    text.first().map_or(false, u8::is_ascii_alphabetic) && text.iter().all(inner)
}

/// Splits a host from its port, which may be empty (RFC 3986 §3.2.3).
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let after = if text.starts_with('[') { text.find(']').map_or(0, |end| end + 1) } else { 0 };
    let colon = match text[after..].find(':') {
        Some(colon) => after + colon,
        None => return Some((text, None)),
    };
    let (host, port) = (&text[..colon], &text[colon + 1..]);
    if port.is_empty() {
        return Some((host, None));
    }
    let mut number: u32 = 0;
    for c in port.bytes() {
        number = 10 * number + char::from(c).to_digit(10)?;
        u16::try_from(number).ok()?;
    }
    Some((host, Some(number as u16)))
}

/// Returns a host in lower case, if it is valid.
fn read_host(host: &str, web: bool) -> Option<String> {
    if host.starts_with('[') {
        let inner = host[1..].strip_suffix(']')?;
        return address::normalize_ipv6(inner);
    }
    let valid = if host.is_empty() {
        !web
    } else if host.contains(&['[', ']', '%', '*'][..]) {
        false
    } else if address::ends_in_number(host) {
        is_ipv4(host)
    } else {
        !web || is_name(host)
    };
    if valid {
        Some(host.to_ascii_lowercase())
    } else {
        None
    }
}

/// Reports whether a host is a name as web pages have (RFC 1123 §2.1). Underscores are allowed; a dot at the end is
/// not, since browsers take such a host for another one.
fn is_name(host: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
    };
    host.len() <= 253 && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Value;
    use std::format;
    use std::string::ToString;

    fn parts(uri: &Uri<'_>) -> String {
        let some = |text: String| if text.is_empty() { "-".to_string() } else { text };
        [
            uri.scheme.clone(),
            some(uri.user_info.map(|part| format!("{part}@")).unwrap_or_default()),
            some(uri.host.clone()),
            some(uri.port.map(|part| format!(":{part}")).unwrap_or_default()),
            some(uri.path.to_string()),
            some(uri.query.map(|part| format!("?{part}")).unwrap_or_default()),
            some(uri.fragment.map(|part| format!("#{part}")).unwrap_or_default()),
        ]
        .join(" ")
    }

    #[test]
    fn uris_have_the_parts_of_the_vectors() {
        let text = include_str!("../../../../testdata/vectors/uris.json");
        let rows: std::vec::Vec<_> = Value::parse(text).unwrap().items().collect();
        assert!(rows.len() > 200);
        for row in rows {
            let (uri, want) = (row.get("uri").unwrap().as_str().unwrap(), row.get("parts").unwrap().as_str().unwrap());
            assert_eq!(Uri::parse(&uri).map(|u| parts(&u)).unwrap_or_default(), want, "{uri:?}");
        }
    }

    #[test]
    fn names_and_labels_are_bounded() {
        let label = "a".repeat(63);
        let name = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert!(Uri::parse(&format!("https://{name}")).is_some());
        assert!(Uri::parse(&format!("https://a{name}")).is_none());
        assert!(Uri::parse(&format!("https://a{label}.example")).is_none());
        assert!(Uri::parse(&format!("app://a{name}")).is_some());
    }
}
