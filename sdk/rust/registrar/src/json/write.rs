use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use super::{Document, Value};

/// A builder of a JSON object: `Object::new().set("client_name", "x").set("contacts", ["a@example.com"])`.
#[derive(Debug, Clone, Default)]
pub struct Object {
    members: String,
}

impl Object {
    /// Returns an object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member. A name must not be set twice.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl ToJson) -> Self {
        if !self.members.is_empty() {
            self.members.push(',');
        }
        name.write(&mut self.members);
        self.members.push(':');
        value.write(&mut self.members);
        self
    }

    /// Adds a member that is `null`, which in a patch removes the member.
    #[must_use]
    pub fn remove(self, name: &str) -> Self {
        self.set(name, None::<&str>)
    }

    /// The JSON text.
    pub fn text(&self) -> String {
        ["{", &self.members, "}"].concat()
    }
}

/// A type that can be written as JSON. `None` is `null`.
pub trait ToJson {
    /// Appends the value's JSON.
    fn write(&self, out: &mut String);
}

impl ToJson for str {
    fn write(&self, out: &mut String) {
        out.push('"');
        for c in self.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\0'..='\x1f' => {
                    let _ = write!(out, "\\u{:04x}", c as u32); // writing to a String cannot fail
                }
                _ => out.push(c),
            }
        }
        out.push('"');
    }
}

macro_rules! by_display {
    ($($type:ty),+) => {$(
        impl ToJson for $type {
            fn write(&self, out: &mut String) {
                let _ = write!(out, "{}", self); // writing to a String cannot fail
            }
        }
    )+};
}

by_display!(bool, i32, u32, i64, u64);

impl ToJson for String {
    fn write(&self, out: &mut String) {
        self.as_str().write(out)
    }
}

impl ToJson for Cow<'_, str> {
    fn write(&self, out: &mut String) {
        str::write(self, out)
    }
}

impl ToJson for Object {
    fn write(&self, out: &mut String) {
        out.push_str(&self.text())
    }
}

impl ToJson for Value<'_> {
    fn write(&self, out: &mut String) {
        out.push_str(self.text())
    }
}

impl ToJson for Document {
    fn write(&self, out: &mut String) {
        out.push_str(self.text())
    }
}

impl<T: ToJson + ?Sized> ToJson for &T {
    fn write(&self, out: &mut String) {
        (*self).write(out)
    }
}

impl<T: ToJson> ToJson for Option<T> {
    fn write(&self, out: &mut String) {
        match self {
            Some(value) => value.write(out),
            None => out.push_str("null"),
        }
    }
}

impl<T: ToJson> ToJson for [T] {
    fn write(&self, out: &mut String) {
        out.push('[');
        for (i, value) in self.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            value.write(out);
        }
        out.push(']');
    }
}

impl<T: ToJson, const N: usize> ToJson for [T; N] {
    fn write(&self, out: &mut String) {
        self.as_slice().write(out)
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn write(&self, out: &mut String) {
        self.as_slice().write(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    #[test]
    fn objects_are_written_as_json() {
        let o = Object::new()
            .set("s", "a \"b\" \\ \n ä")
            .set("n", -5)
            .set("b", true)
            .set("l", vec!["x".to_string(), "y".to_string()])
            .set("a", [1, 2])
            .set("o", Object::new().set("in", Some("x")))
            .remove("gone");
        assert_eq!(
            o.text(),
            r#"{"s":"a \"b\" \\ \u000a ä","n":-5,"b":true,"l":["x","y"],"a":[1,2],"o":{"in":"x"},"gone":null}"#
        );
        assert_eq!(Object::new().text(), "{}");
    }

    #[test]
    fn what_is_written_is_read_again() {
        for s in ["", "plain", "\"", "\\", "\u{0}\u{1f}\u{7f}\u{2028}", "ä😀"] {
            let text = Object::new().set(s, s).text();
            let d = Document::parse(text).unwrap();
            assert_eq!(d.string(s).as_deref(), Some(s));
            assert_eq!(Object::new().set("v", d.get(s).unwrap()).text(), Object::new().set("v", s).text());
        }
    }
}
