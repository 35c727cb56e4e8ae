use core::fmt;

/// The maximum nesting of objects and lists, as in the server.
pub const MAX_DEPTH: usize = 100;

/// The text is not JSON (RFC 8259), or nests deeper than [`MAX_DEPTH`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    /// The offset of the error in bytes.
    pub at: usize,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no JSON from byte {} on", self.at)
    }
}

/// Skips values. It accepts only strict JSON, but also duplicate members and halves of surrogate pairs, which the
/// server never passes to scripts.
#[derive(Debug, Clone)]
pub(crate) struct Scanner<'a> {
    pub text: &'a str,
    pub at: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Scanner { text, at: 0 }
    }

    pub fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn error<T>(&self) -> Result<T, Error> {
        Err(Error { at: self.at })
    }

    pub fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Skips a byte, if it is the next one.
    pub fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += there as usize;
        there
    }

    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.eat(byte) {
            return Ok(());
        }
        self.error()
    }

    /// Skips a value and returns its text. `room` is the depth that is left.
    pub fn value(&mut self, room: usize) -> Result<&'a str, Error> {
        let start = self.at;
        match self.peek() {
            Some(b'{' | b'[') if room == 0 => return self.error(),
            Some(b'{') => self.object(room - 1, |_, _| ())?,
            Some(b'[') => self.list(room - 1)?,
            Some(b'"') => drop(self.string()?),
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            _ => self.number()?,
        }
        Ok(&self.text[start..self.at])
    }

    /// Skips an object and calls `member` with the text of each name and value.
    pub fn object(&mut self, room: usize, mut member: impl FnMut(&'a str, &'a str)) -> Result<(), Error> {
        self.expect(b'{')?;
        self.space();
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            self.expect(b':')?;
            self.space();
            let value = self.value(room)?;
            member(name, value);
            self.space();
            if !self.eat(b',') {
                return self.expect(b'}');
            }
        }
    }

    fn list(&mut self, room: usize) -> Result<(), Error> {
        self.expect(b'[')?;
        self.space();
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            self.space();
            self.value(room)?;
            self.space();
            if !self.eat(b',') {
                return self.expect(b']');
            }
        }
    }

    /// Skips a string and returns it with its quotes.
    pub fn string(&mut self) -> Result<&'a str, Error> {
        let start = self.at;
        self.expect(b'"')?;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(0x20..=0xff) => self.at += 1,
                _ => return self.error(),
            }
        }
        self.at += 1;
        Ok(&self.text[start..self.at])
    }

    fn escape(&mut self) -> Result<(), Error> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().map_or(false, |b| b.is_ascii_hexdigit()) {
                        return self.error();
                    }
                    self.at += 1;
                }
            }
            _ => return self.error(),
        }
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), Error> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return self.error();
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Error> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Error> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start {
            return self.error();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Result<&str, Error> {
        Scanner::new(text).value(MAX_DEPTH)
    }

    #[test]
    fn values_are_stepped_over_to_their_end() {
        for text in [
            "null",
            "true",
            "false",
            "0",
            "-0.5e+10",
            "1E2",
            "\"\"",
            "\"a\\u00e4\\n\\\\\"",
            "[]",
            "[ 1 , [2] ]",
            "{}",
            "{ \"a\" : {\"b\":[]} , \"c\":1 }",
        ] {
            assert_eq!(scan(text), Ok(text));
            let followed = [text, ", 1"].concat();
            assert_eq!(scan(&followed), Ok(text), "before a comma");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_where_it_ends_to_be() {
        for (text, at) in [
            ("", 0),
            (" 1", 0),
            ("nul", 0),
            ("-", 1),
            (".5", 0),
            ("1.", 2),
            ("1e", 2),
            ("\"", 1),
            ("\"\n\"", 1),
            ("\"\\x\"", 2),
            ("\"\\u12g4\"", 5),
            ("[", 1),
            ("[1", 2),
            ("[1,]", 3),
            ("[1 2]", 3),
            ("{", 1),
            ("{a:1}", 1),
            ("{\"a\"}", 4),
            ("{\"a\":}", 5),
            ("{\"a\":1,}", 7),
        ] {
            assert_eq!(scan(text), Err(Error { at }), "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |n| ["[".repeat(n), "]".repeat(n)].concat();
        assert!(scan(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(scan(&nested(MAX_DEPTH + 1)), Err(Error { at: MAX_DEPTH }));
        assert!(scan(&nested(1_000_000)).is_err());
    }
}
