use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::json::{Document, Value};

/// A form of a member for one language (RFC 7591 §2.2), from [`Document::tagged`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged<'a> {
    /// The member's name, such as `client_name` or `client_name#ja`.
    pub name: Cow<'a, str>,
    /// The value.
    pub value: Value<'a>,
}

impl Tagged<'_> {
    /// The BCP 47 language tag as written, whose case does not matter; empty for the member without a tag.
    pub fn tag(&self) -> &str {
        self.name.split_once('#').map_or("", |(_, tag)| tag)
    }
}

impl Document {
    /// All forms of a member, the one without a tag first, the others in their order. Forms that are `null` are left
    /// out, since they count as absent. A policy about what users read, such as `client_name`, must look at all of
    /// them: `client().tagged("client_name").iter().any(|form| …)`.
    pub fn tagged(&self, member: &str) -> Vec<Tagged<'_>> {
        let mut forms = Vec::new();
        for (name, value) in self.members() {
            let bare = &name == member;
            let is_form = bare || name.strip_prefix(member).map_or(false, |rest| rest.starts_with('#'));
            if is_form && !value.is_null() {
                forms.insert(if bare { 0 } else { forms.len() }, Tagged { name, value });
            }
        }
        forms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn forms_are_those_of_the_vectors() {
        let rows = Value::parse(include_str!("../../../../testdata/vectors/tagged.json")).unwrap();
        assert!(rows.items().count() > 5);
        for row in rows.items() {
            let text = |name| row.get(name).unwrap().as_str().unwrap();
            let object = Document::parse(text("object").to_string()).unwrap();
            let want: Vec<_> = row.get("forms").unwrap().items().map(Value::strings).collect();
            let forms = object.tagged(&text("member"));
            let got: Vec<_> =
                forms.iter().map(|f| [f.tag().to_string(), f.value.as_str().unwrap().to_string()].to_vec()).collect();
            assert_eq!(got, want, "{}", text("object"));
        }
    }
}
