//! Names of functions as their programmers wrote them.

use cpp_demangle::{DemangleOptions, ParseOptions};
use std::fmt::{self, Write};

/// Longer names are left as they are: their parse would take memory in proportion.
const LONGEST: usize = 4 << 10;

/// How deeply the parts of a name may be nested.
const MAX_DEPTH: u32 = 96;

/// The name that a compiler mangled: Rust's (both schemes, without their hash), and C++'s without parameters' types left
/// out. Other names are given as they are, and so are those that are too long, or would become so.
///
/// ```
/// assert_eq!(dunlin_debug::demangle("_ZN4core9panicking5panic17h0123456789abcdefE"), "core::panicking::panic");
/// assert_eq!(dunlin_debug::demangle("_ZN5shape4areaEi"), "shape::area(int)");
/// assert_eq!(dunlin_debug::demangle("main"), "main");
/// ```
pub fn demangle(name: &str) -> String {
    if name.len() > LONGEST {
        return name.to_owned();
    }
    let mut text = Bounded(String::new());
    if let Ok(rust) = rustc_demangle::try_demangle(name) {
        // The alternate form leaves the hash out.
        return if write!(text, "{rust:#}").is_ok() { text.0 } else { name.to_owned() };
    }
    let parsing = ParseOptions::default().recursion_limit(MAX_DEPTH);
    if name.starts_with("_Z")
        && let Ok(cpp) = cpp_demangle::Symbol::new_with_options(name, &parsing)
        && cpp.structured_demangle(&mut text, &DemangleOptions::new().recursion_limit(MAX_DEPTH)).is_ok()
    {
        return text.0;
    }
    name.to_owned()
}

/// A text that stops growing. Short names may stand for very long ones, since they refer to their own parts.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.0.len() + part.len() > LONGEST {
            return Err(fmt::Error);
        }
        self.0.push_str(part);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_each_scheme() {
        for (mangled, plain) in [
            ("_RNvCs15kBYyAo9fc_7mycrate3foo", "mycrate::foo"),
            ("_ZN3std2io5stdio6_print17h1ab2c3d4e5f60718E", "std::io::stdio::_print"),
            ("_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<int, std::allocator<int> >::push_back(int&&)"),
            ("_Znot a name", "_Znot a name"),
            ("", ""),
            ("f\u{1f600}", "f\u{1f600}"),
        ] {
            assert_eq!(demangle(mangled), plain);
        }
    }

    #[test]
    fn short_names_of_long_ones_stay_as_they_are() {
        // Each template argument is twice the one before.
        let mut name = String::from("_Z1fI1AIiE");
        name.push_str("1AIS_S_E");
        for at in 0..40 {
            name.push_str(&format!("1AIS{at}_S{at}_E"));
        }
        name.push_str("Evv");
        let plain = demangle(&name);
        assert!(plain.len() <= LONGEST);
        let long = "_ZN".to_owned() + &"1a".repeat(3000) + "E";
        assert_eq!(demangle(&long), long);
        let deep = "_Z1f".to_owned() + &"P".repeat(4000) + "i";
        assert_eq!(demangle(&deep), deep);
    }
}
