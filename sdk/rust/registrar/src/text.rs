use alloc::string::String;

/// The greatest length of a text of [`random_text`]: what a registration may read of random bytes.
pub const MAX_RANDOM_TEXT: usize = 4096;

/// Returns characters of an alphabet, each of them equally likely: for a secret of 256 bits, 43 letters and digits. An
/// alphabet has 2 to 128 different ASCII characters; the length is 0 to [`MAX_RANDOM_TEXT`]. Panics for others. It
/// reads a byte for each character, and as many again as fall outside the greatest multiple of the alphabet's size
/// below 257: 3 in 100 for letters and digits, none for an alphabet of 16 or 64.
pub fn random_text(alphabet: &str, length: usize) -> String {
    random_text_of(alphabet.as_bytes(), length, |bytes| unsafe { crate::abi::random(bytes.as_mut_ptr(), bytes.len()) })
}

fn random_text_of(alphabet: &[u8], length: usize, fill: impl FnMut(&mut [u8])) -> String {
    assert!(length <= MAX_RANDOM_TEXT, "random_text: the length must be 0 to 4096");
    let mut seen = [false; 128];
    for &c in alphabet {
        assert!(c < 128, "random_text: the alphabet has a character outside ASCII");
        assert!(
            !core::mem::replace(&mut seen[c as usize], true),
            "random_text: the alphabet has a character twice, which would be twice as likely"
        );
    }
    assert!(alphabet.len() >= 2, "random_text: the alphabet must have 2 characters at least");
    draw(alphabet, length, fill)
}

/// Rejects the bytes from which some characters would follow more often than others.
fn draw(alphabet: &[u8], length: usize, mut fill: impl FnMut(&mut [u8])) -> String {
    let limit = 256 - 256 % alphabet.len();
    let mut text = alloc::vec![0; length];
    let mut done = 0;
    while done < length {
        let from = done; // no byte is read after its character is written
        fill(&mut text[from..]);
        for i in from..length {
            let byte = text[i] as usize;
            if byte < limit {
                text[done] = alphabet[byte % alphabet.len()];
                done += 1;
            }
        }
    }
    text.into_iter().map(char::from).collect()
}

/// Returns the checksum of bytes as zip, PNG and Ethernet have it (IEEE 802.3).
pub fn crc32(bytes: impl AsRef<[u8]>) -> u32 {
    const OF_NIBBLE: [u32; 16] = [
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c, 0xedb88320,
        0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    ];
    !bytes.as_ref().iter().fold(!0, |crc, &byte| {
        let crc = crc ^ u32::from(byte);
        let crc = crc >> 4 ^ OF_NIBBLE[(crc & 15) as usize];
        crc >> 4 ^ OF_NIBBLE[(crc & 15) as usize]
    })
}

/// The alphabet of letters and digits in the order of [`base62`].
pub const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Returns a number as six digits of [`BASE62`], the most significant one first: `000000` to `4gfFC3`.
pub fn base62(mut number: u32) -> String {
    let mut digits = [0; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62.as_bytes()[(number % 62) as usize];
        number /= 62;
    }
    digits.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Value;
    use std::vec::Vec;

    #[test]
    fn checksums_are_those_of_the_vectors() {
        let rows = Value::parse(include_str!("../../../../testdata/vectors/checksums.json")).unwrap();
        assert!(rows.items().count() > 5);
        for row in rows.items() {
            let text = row.get("text").unwrap().as_str().unwrap();
            assert_eq!(Some(i64::from(crc32(&*text))), row.get("crc32").unwrap().as_i64(), "{text:?}");
            assert_eq!(base62(crc32(&*text)), row.get("base62").unwrap().as_str().unwrap(), "{text:?}");
        }
        assert_eq!(base62(u32::MAX), "4gfFC3");
    }

    #[test]
    fn of_all_bytes_as_many_give_each_character() {
        let ascii: Vec<u8> = (0..128).collect();
        for size in 2..=ascii.len() {
            let mut bytes = 0..=255u8;
            let text = draw(&ascii[..size], 256 - 256 % size, |b| b.fill_with(|| bytes.next().unwrap()));
            assert!((0..size).all(|c| text.bytes().filter(|&b| b == c as u8).count() == 256 / size), "{size}");
        }
    }

    #[test]
    fn other_bytes_are_replaced() {
        let mut bytes = [255, 0, 248, 61, 250, 247, 249, 62].iter();
        assert_eq!(draw(BASE62.as_bytes(), 4, |b| b.fill_with(|| *bytes.next().unwrap())), "0zz0");
    }

    #[test]
    fn other_alphabets_and_lengths_are_refused() {
        for (alphabet, length, what) in [
            ("", 1, "2 characters"),
            ("a", 1, "2 characters"),
            ("aba", 1, "twice"),
            ("aé", 1, "ASCII"),
            ("ab", 4097, "length"),
        ] {
            let panic =
                std::panic::catch_unwind(|| random_text_of(alphabet.as_bytes(), length, |b| b.fill(0))).unwrap_err();
            assert!(panic.downcast_ref::<&str>().unwrap().contains(what), "{alphabet:?}");
        }
        assert_eq!(random_text_of(b"ab", 4096, |b| b.fill(0)).len(), 4096);
    }
}
