//! IP addresses in hosts of URIs. Those of the standard library are not in `core` of Rust 1.63.

use alloc::string::String;
use core::fmt::Write;

/// Reports whether browsers read a host as an IPv4 address: its last label, before a dot at the end, is decimal or
/// hexadecimal (WHATWG URL, "ends in a number checker").
pub(crate) fn ends_in_number(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = &host[host.rfind('.').map_or(0, |dot| dot + 1)..];
    match last.strip_prefix("0x").or_else(|| last.strip_prefix("0X")) {
        Some(digits) => digits.bytes().all(|c| c.is_ascii_hexdigit()),
        None => !last.is_empty() && last.bytes().all(|c| c.is_ascii_digit()),
    }
}

/// Reports whether a text is four decimal numbers up to 255, without leading zeros (RFC 3986 §3.2.2).
pub(crate) fn is_ipv4(text: &str) -> bool {
    parse_ipv4(text).is_some()
}

fn parse_ipv4(text: &str) -> Option<[u16; 4]> {
    let mut address = [0; 4];
    let mut parts = text.split('.');
    for number in &mut address {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 3 || part.len() > 1 && part.starts_with('0') {
            return None;
        }
        for c in part.chars() {
            *number = 10 * *number + c.to_digit(10)? as u16;
        }
        if *number > 255 {
            return None;
        }
    }
    match parts.next() {
        None => Some(address),
        Some(_) => None,
    }
}

/// Returns an IPv6 address as RFC 5952 writes it; `None` for other texts, and for the address of an IPv4 address,
/// `::ffff:192.0.2.1` (RFC 4291 §2.5.5.2).
pub(crate) fn normalize_ipv6(text: &str) -> Option<String> {
    let groups = parse_ipv6(text)?;
    if groups[..6] == [0, 0, 0, 0, 0, 0xffff] {
        return None;
    }
    Some(write_ipv6(&groups))
}

/// Reads an address in a form of RFC 4291 §2.2.
fn parse_ipv6(text: &str) -> Option<[u16; 8]> {
    let (mut groups, mut n, mut gap) = ([0; 8], 0, None); // gap is how many groups are before "::"
    let mut rest = text;
    if let Some(after) = text.strip_prefix("::") {
        rest = after;
        gap = Some(0);
    }
    while !rest.is_empty() {
        let (group, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len()));
        if after.starts_with('.') {
            let address = parse_ipv4(rest)?;
            *groups.get_mut(n)? = address[0] << 8 | address[1];
            *groups.get_mut(n + 1)? = address[2] << 8 | address[3];
            n += 2;
            break;
        }
        if group.len() > 4 {
            return None;
        }
        *groups.get_mut(n)? = u16::from_str_radix(group, 16).ok()?;
        n += 1;
        if after.is_empty() {
            break;
        }
        rest = after.strip_prefix(':')?;
        match rest.strip_prefix(':') {
            Some(after) if gap.is_none() => {
                rest = after;
                gap = Some(n);
            }
            Some(_) => return None,
            None if rest.is_empty() => return None,
            None => {}
        }
    }
    match gap {
        None if n == 8 => Some(groups),
        Some(gap) if n < 8 => {
            let mut address = [0; 8];
            address[..gap].copy_from_slice(&groups[..gap]);
            address[8 - (n - gap)..].copy_from_slice(&groups[gap..n]);
            Some(address)
        }
        _ => None,
    }
}

/// Writes an address as RFC 5952 §4 says: the first of the longest runs of zeros, of two at least, as `::`.
fn write_ipv6(groups: &[u16; 8]) -> String {
    let (mut from, mut length) = (0, 1);
    for i in 0..8 {
        let run = groups[i..].iter().take_while(|&&group| group == 0).count();
        if run > length {
            from = i;
            length = run;
        }
    }
    let mut out = String::new();
    let mut i = 0;
    while i < 8 {
        if i == from && length > 1 {
            out.push_str("::");
            i += length;
            continue;
        }
        if !out.is_empty() && !out.ends_with(':') {
            out.push(':');
        }
        let _ = write!(out, "{:x}", groups[i]); // writing to a String cannot fail
        i += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn addresses_are_those_of_the_standard_library() {
        let texts = ":: ::1 1:: 1:2:3:4:5:6:7:8 1:0:0:4:0:0:0:8 0:0:1:0:0:2:0:0 ::1.2.3.4 1:2:3:4:5:6:1.2.3.4 1::2::3 \
            1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 1:2:3:4:5:6:7:8:: : :1 1: 12345:: ::1.2.3 1.2.3.4 ::1.2.3.4.5 \
            ABCD:ef:: ::g";
        for text in texts.split(' ').chain(Some("")) {
            let want = text.parse::<std::net::Ipv6Addr>().ok();
            let got = parse_ipv6(text);
            assert_eq!(got, want.map(|address| address.segments()), "{text}");
            if let (Some(groups), Some(address)) = (got, want) {
                if address.segments()[..6] != [0; 6] {
                    assert_eq!(write_ipv6(&groups), address.to_string());
                }
            }
        }
        for text in ["1.2.3.4", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "0.0.0.0", "1..2.3", "", "1.2.3.4."] {
            assert_eq!(is_ipv4(text), text.parse::<std::net::Ipv4Addr>().is_ok(), "{text}");
        }
    }
}
