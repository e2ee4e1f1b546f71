//! What a drained request is called.

use std::fmt;
use std::io;

/// A number that nobody guesses: whoever knows it gets the answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::wagi) struct Id([u8; 16]);

impl Id {
    /// A new one.
    pub(super) fn random() -> io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(bytes))
    }

    /// The one that is written so.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 32 || !text.bytes().all(is_digit) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes()))
    }

    /// What logs call it: enough to find its file, and too little to fetch its answer.
    pub(in crate::wagi) fn in_log(self) -> String {
        let [a, b, c, d, ..] = self.0;
        format!("request {a:02x}{b:02x}{c:02x}{d:02x}…")
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_one_text() {
        let id = Id::random().unwrap();
        assert_eq!(Id::parse(&id.to_string()), Some(id));
        assert_ne!(id, Id::random().unwrap());
        let text = "00000000000000000000000000000abc";
        assert_eq!(Id::parse(text).unwrap().to_string(), text);
        let long = Id::parse("01234567890abcdef01234567890abcd").unwrap();
        assert_eq!(long.in_log(), "request 01234567…");
        for other in ["", "abc", &text.to_uppercase(), &format!("{text}0"), &text.replace('a', "+")] {
            assert_eq!(Id::parse(other), None, "{other}");
        }
    }
}
