//! Colours, as the usual variables ask for them: `NO_COLOR` is against them wherever output goes, `CLICOLOR_FORCE` for
//! them, and `CLICOLOR=0` and `TERM=dumb` are against them on terminals.

use std::env::var_os;
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::io::IsTerminal;

/// How a text stands out.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "text"), allow(dead_code, reason = "some are for the results of scripts"))]
pub(crate) enum Style {
    Bold,
    Green,
    Red,
    Yellow,
}

/// A text that stands out, where that is wanted.
pub(crate) struct Styled<'t> {
    text: &'t str,
    style: Option<Style>,
}

/// A text that stands out if it is for this stream, and that has colours.
pub(crate) fn styled(text: &str, style: Style, stream: impl IsTerminal) -> Styled<'_> {
    let style = Some(style).filter(|_| wants_colours(|name| var_os(name), stream.is_terminal()));
    Styled { text, style }
}

/// Whether a terminal understands more than lines.
pub(crate) fn is_clever(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    variable("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

fn wants_colours(variable: impl Fn(&str) -> Option<OsString>, is_terminal: bool) -> bool {
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    if given("NO_COLOR").is_some() {
        return false;
    }
    if given("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    is_terminal && given("CLICOLOR").is_none_or(|value| value != "0") && is_clever(variable)
}

impl Display for Styled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(style) = self.style else { return f.write_str(self.text) };
        let code = match style {
            Style::Bold => "1",
            Style::Green => "1;32",
            Style::Red => "1;31",
            Style::Yellow => "1;33",
        };
        write!(f, "\x1b[{code}m{}\x1b[0m", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_decide_on_colours() {
        let wants = |variables: &[(&str, &str)], is_terminal| {
            let variable = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
            };
            wants_colours(variable, is_terminal)
        };
        let term = ("TERM", "xterm");
        assert!(wants(&[term], true) && !wants(&[term], false));
        assert!(!wants(&[], true) && !wants(&[("TERM", "dumb")], true) && !wants(&[("TERM", "")], true));
        assert!(!wants(&[term, ("NO_COLOR", "1")], true) && wants(&[term, ("NO_COLOR", "")], true));
        assert!(!wants(&[term, ("CLICOLOR", "0")], true) && wants(&[term, ("CLICOLOR", "1")], true));
        assert!(wants(&[("CLICOLOR_FORCE", "1")], false) && !wants(&[("CLICOLOR_FORCE", "0")], false));
        assert!(wants(&[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], false));
        assert!(!wants(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true));
    }
}
