use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::scan::{Error, Scanner, MAX_DEPTH};

/// The text of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    text: &'a str, // valid, without surrounding white space
}

impl<'a> Value<'a> {
    /// Parses a text that is one value.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let mut s = Scanner::new(text);
        s.space();
        let text = s.value(MAX_DEPTH)?;
        s.space();
        match s.peek() {
            None => Ok(Value { text }),
            Some(_) => Err(Error { at: s.at }),
        }
    }

    /// The JSON text.
    pub fn text(self) -> &'a str {
        self.text
    }

    /// Reports whether the value is `null`.
    pub fn is_null(self) -> bool {
        self.text == "null"
    }

    /// The value of `true` or `false`.
    pub fn as_bool(self) -> Option<bool> {
        match self.text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The value of a number that is written without fraction and exponent.
    pub fn as_i64(self) -> Option<i64> {
        self.text.parse().ok()
    }

    /// The text of a string.
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        let inner = self.text.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') {
            return Some(Cow::Owned(unescape(inner)));
        }
        Some(Cow::Borrowed(inner))
    }

    /// The elements of a list; none for other values.
    pub fn items(self) -> Items<'a> {
        Items(inside(self.text, b'['))
    }

    /// The members of an object in order; none for other values.
    pub fn members(self) -> Members<'a> {
        Members(inside(self.text, b'{'))
    }

    /// A member of an object.
    pub fn get(self, name: &str) -> Option<Value<'a>> {
        self.members().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The strings of a list. Other elements are left out.
    pub fn strings(self) -> Vec<String> {
        self.items().filter_map(Value::as_str).map(Cow::into_owned).collect()
    }
}

/// Returns a scanner at the first element of a list or object that opens with a byte, else one at the end.
fn inside(text: &str, open: u8) -> Scanner<'_> {
    let mut s = Scanner::new(text);
    if s.eat(open) {
        s.space();
    } else {
        s.at = text.len();
    }
    s
}

/// The elements of a list, from [`Value::items`].
#[derive(Debug, Clone)]
pub struct Items<'a>(Scanner<'a>);

impl<'a> Iterator for Items<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let text = self.0.value(MAX_DEPTH).ok()?; // fails at the end of the list
        step_on(&mut self.0);
        Some(Value { text })
    }
}

/// The members of an object, from [`Value::members`].
#[derive(Debug, Clone)]
pub struct Members<'a>(Scanner<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let name = self.0.string().ok()?; // fails at the end of the object
        self.0.space();
        self.0.eat(b':');
        self.0.space();
        let text = self.0.value(MAX_DEPTH).ok()?;
        step_on(&mut self.0);
        Some((Value { text: name }.as_str()?, Value { text }))
    }
}

/// Skips the separator between two values.
fn step_on(s: &mut Scanner<'_>) {
    s.space();
    s.eat(b',');
    s.space();
}

/// Decodes the escapes of a string. Half a surrogate pair becomes U+FFFD.
fn unescape(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(i) = rest.find('\\') {
        out.push_str(&rest[..i]);
        let escaped = rest.as_bytes()[i + 1];
        rest = &rest[i + 2..];
        out.push(match escaped {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => unicode(&mut rest),
            other => other as char, // a quote, a slash or a backslash
        });
    }
    out.push_str(rest);
    out
}

/// Decodes the four digits after `\u`, and the other half of a surrogate pair.
fn unicode(rest: &mut &str) -> char {
    let first = unit(rest);
    if let (0xd800..=0xdbff, Some(mut more)) = (first, rest.strip_prefix("\\u")) {
        let second = unit(&mut more);
        if let 0xdc00..=0xdfff = second {
            *rest = more;
            return char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
                .unwrap_or(char::REPLACEMENT_CHARACTER);
        }
    }
    char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn unit(rest: &mut &str) -> u32 {
    let (digits, after) = rest.split_at(4);
    *rest = after;
    u32::from_str_radix(digits, 16).unwrap_or(0)
}

/// An object and its text. It is parsed once; members are then found by name.
#[derive(Debug, Clone)]
pub struct Document {
    text: String,
    members: Vec<(Range<usize>, Range<usize>)>, // of names (with quotes) and values in the text
}

impl Document {
    /// Parses an object.
    pub fn parse(text: String) -> Result<Self, Error> {
        let mut s = Scanner::new(&text);
        let mut members = Vec::new();
        let start = text.as_ptr() as usize;
        let range = |part: &str| {
            let from = part.as_ptr() as usize - start;
            from..from + part.len()
        };
        s.space();
        s.object(MAX_DEPTH - 1, |name, value| members.push((range(name), range(value))))?;
        s.space();
        if s.peek().is_some() {
            return Err(Error { at: s.at });
        }
        Ok(Document { text, members })
    }

    /// The JSON text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All members, in order.
    pub fn members(&self) -> impl Iterator<Item = (Cow<'_, str>, Value<'_>)> {
        self.members.iter().filter_map(move |(name, value)| Some((self.value(name).as_str()?, self.value(value))))
    }

    fn value(&self, range: &Range<usize>) -> Value<'_> {
        Value { text: &self.text[range.clone()] }
    }

    /// The member of that name, which may be `null`.
    pub fn get(&self, name: &str) -> Option<Value<'_>> {
        self.members.iter().find(|(n, _)| self.is_named(n, name)).map(|(_, value)| self.value(value))
    }

    fn is_named(&self, range: &Range<usize>, name: &str) -> bool {
        let inner = &self.text[range.start + 1..range.end - 1];
        match inner.len() {
            n if n < name.len() => false,
            n if n == name.len() => inner == name && !name.contains('\\'), // an escape is longer than its character
            _ => inner.contains('\\') && unescape(inner) == name,
        }
    }

    /// The member of that name, if it is a string.
    pub fn string(&self, name: &str) -> Option<String> {
        self.get(name)?.as_str().map(Cow::into_owned)
    }

    /// The strings of the list of that name; none if there is no list.
    pub fn strings(&self, name: &str) -> Vec<String> {
        self.get(name).map(Value::strings).unwrap_or_default()
    }

    /// The member of that name, if it is `true` or `false`.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// The member of that name, if it is a number without fraction and exponent.
    pub fn i64(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    fn document(text: &str) -> Document {
        Document::parse(text.to_string()).unwrap()
    }

    #[test]
    fn members_are_found_by_name_and_type() {
        let d = document(r#" {"s": "x", "n": -12, "b":true,"z":null , "l":["a",1,"b"],"o":{"in":{"deep":[2]}} } "#);
        assert_eq!(d.string("s").as_deref(), Some("x"));
        assert_eq!(d.i64("n"), Some(-12));
        assert_eq!(d.bool("b"), Some(true));
        assert!(d.get("z").unwrap().is_null());
        assert_eq!(d.strings("l"), vec!["a", "b"]);
        assert_eq!(d.get("o").unwrap().get("in").unwrap().get("deep").unwrap().text(), "[2]");
        assert_eq!(
            (d.string("n"), d.i64("s"), d.bool("z"), d.string("in")),
            (None, None, None, None),
            "other types, inner members"
        );
        assert!(d.strings("s").is_empty() && d.get("missing").is_none());
        let names: Vec<_> = d.members().map(|(name, _)| name.into_owned()).collect();
        assert_eq!(names, ["s", "n", "b", "z", "l", "o"]);
    }

    #[test]
    fn strings_say_what_they_escape() {
        for (json, want) in [
            (r#""""#, ""),
            (r#""plain ä""#, "plain ä"),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r#""\u00e4\u0000x""#, "ä\0x"),
            (r#""\ud83d\ude00!""#, "😀!"),
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\ude00\ud83d\ude00""#, "\u{fffd}😀"),
        ] {
            assert_eq!(Value::parse(json).unwrap().as_str().unwrap(), want, "{json}");
        }
    }

    #[test]
    fn names_may_be_escaped() {
        let d = document(r#"{"\u0061b":1,"a\"":2}"#);
        assert_eq!((d.i64("ab"), d.i64("a\""), d.i64("\\u0061b")), (Some(1), Some(2), None));
    }

    #[test]
    fn lists_and_objects_end() {
        let items = |json| Value::parse(json).unwrap().items().map(|v| v.text().to_string()).collect::<Vec<_>>();
        assert!(
            items("[]").is_empty() && items("[ ]").is_empty() && items("{\"a\":1}").is_empty() && items("1").is_empty()
        );
        assert_eq!(items("[ [1, 2] , \"]\" ,{} ]"), ["[1, 2]", "\"]\"", "{}"]);
        assert_eq!(Value::parse("{ }").unwrap().members().count(), 0);
        assert_eq!(Value::parse("{ \"a\" : 1 , \"b\" : 2 }").unwrap().members().count(), 2);
    }

    #[test]
    fn only_whole_texts_are_read() {
        assert_eq!(Value::parse("1 2"), Err(Error { at: 2 }));
        assert!(Document::parse("[]".to_string()).is_err());
        assert!(Document::parse("{} x".to_string()).is_err());
        assert!(Document::parse("".to_string()).is_err());
    }

    #[test]
    fn numbers_are_whole_or_none() {
        let number = |json| Value::parse(json).unwrap().as_i64();
        assert_eq!((number("9223372036854775807"), number("-9223372036854775808")), (Some(i64::MAX), Some(i64::MIN)));
        assert_eq!(
            (number("9223372036854775808"), number("1.0"), number("1e3"), number("\"1\"")),
            (None, None, None, None)
        );
    }
}
