//! Numbers of things in sentences.

use core::fmt;

/// `1 page`, `2 pages`: a number of things, whose name is given in the plural.
pub(crate) struct Count<N>(pub(crate) N, pub(crate) &'static str);

impl<N: Copy + fmt::Display + PartialEq + From<u8>> fmt::Display for Count<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count(number, plural) = *self;
        if number != N::from(1) {
            return write!(f, "{number} {plural}");
        }
        if plural == "memories" {
            return write!(f, "{number} memory");
        }
        // The first word that ends in an s: `data segments`, `bytes of metadata`.
        let mut end = 0;
        for word in plural.split_inclusive(' ') {
            end += word.trim_end().len();
            if word.trim_end().ends_with('s') {
                return write!(f, "{number} {}{}", &plural[..end - 1], &plural[end..]);
            }
            end += 1;
        }
        write!(f, "{number} {plural}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn one_thing_is_singular() {
        for (plural, one) in [
            ("pages", "1 page"),
            ("memories", "1 memory"),
            ("data segments", "1 data segment"),
            ("bytes of metadata", "1 byte of metadata"),
            ("blocks inside each other", "1 block inside each other"),
        ] {
            assert_eq!(Count(1u32, plural).to_string(), one);
            assert_eq!(Count(0u64, plural).to_string(), format!("0 {plural}"));
            assert_eq!(Count(20u64, plural).to_string(), format!("20 {plural}"));
        }
    }
}
