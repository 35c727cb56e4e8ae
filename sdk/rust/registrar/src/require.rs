//! Members of the configuration that must be there.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::json::{Document, Value};

/// A member of the configuration that is there, from [`Document::require`]. Its methods end the script, as
/// [`fail`](crate::fail) does, if it has another type than they say.
#[derive(Debug, Clone)]
pub struct Required<'a> {
    value: Value<'a>,
    member: String, // its name, after those of the objects that it is in
}

impl Document {
    /// Returns a member of the configuration that must be there: `config().require("brands").strings()`. If it is
    /// missing or `null`, the script fails, and the server's log says which member is wrong. The methods of
    /// [`Required`] fail likewise if it has another type. Members that a caller sends are not for `require`: refuse the
    /// client instead.
    pub fn require(&self, name: &str) -> Required<'_> {
        required(self.get(name), name.to_string())
    }
}

fn required(value: Option<Value<'_>>, member: String) -> Required<'_> {
    match value {
        Some(value) if !value.is_null() => Required { value, member },
        _ => fail(&member, "is missing"),
    }
}

/// Ends the script because of a member of the configuration.
fn fail(member: &str, problem: &str) -> ! {
    crate::fail(format!("config: member {member:?} {problem}"))
}

impl<'a> Required<'a> {
    fn must<T>(&self, value: Option<T>, want: &str) -> T {
        value.unwrap_or_else(|| fail(&self.member, &format!("must be {want}")))
    }

    /// A value of any type but `null`.
    pub fn value(&self) -> Value<'a> {
        self.value
    }

    /// A member of the object that this must be, as [`Document::require`] returns it.
    pub fn require(&self, name: &str) -> Required<'a> {
        required(self.object().get(name), format!("{}.{name}", self.member))
    }

    /// The text of a string.
    pub fn string(&self) -> String {
        self.must(self.value.as_str(), "a string").into_owned()
    }

    /// The elements of a list of strings. The list may be empty; an element of another type ends the script.
    pub fn strings(&self) -> Vec<String> {
        let list = self.value.text().starts_with('[').then(|| self.value.items());
        let list = list.and_then(|items| items.map(|item| item.as_str().map(Cow::into_owned)).collect());
        self.must(list, "a list of strings")
    }

    /// A number that fits an `i64` and is written without fraction and exponent.
    pub fn i64(&self) -> i64 {
        self.must(self.value.as_i64(), "an integer")
    }

    /// `true` or `false`.
    pub fn bool(&self) -> bool {
        self.must(self.value.as_bool(), "true or false")
    }

    /// An object.
    pub fn object(&self) -> Value<'a> {
        self.must(self.value.text().starts_with('{').then(|| self.value), "an object")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn config() -> Document {
        let text = r#"{"s":"ä","l":["a","b"],"e":[],"n":-1,"t":true,"o":{"in":{"x":"y"}},"z":null,"m":["a",1]}"#;
        Document::parse(text.to_string()).unwrap()
    }

    #[test]
    fn members_of_their_type_are_returned() {
        let c = config();
        assert_eq!((c.require("s").string(), c.require("n").i64(), c.require("t").bool()), ("ä".to_string(), -1, true));
        assert_eq!(c.require("l").strings(), vec!["a", "b"]);
        assert!(c.require("e").strings().is_empty());
        assert_eq!(c.require("o").require("in").require("x").string(), "y");
    }

    #[test]
    fn others_end_the_script() {
        type Read = fn(&Document);
        let wrong: [Read; 7] = [
            |c| drop(c.require("none")),
            |c| drop(c.require("z")),
            |c| drop(c.require("n").string()),
            |c| drop(c.require("m").strings()),
            |c| drop(c.require("s").strings()),
            |c| drop(c.require("l").require("x")),
            |c| drop(c.require("o").require("x")),
        ];
        for (i, read) in wrong.iter().enumerate() {
            // There is no host, so registrar_v1.fail panics.
            assert!(std::panic::catch_unwind(|| read(&config())).is_err(), "{i}");
        }
    }
}
