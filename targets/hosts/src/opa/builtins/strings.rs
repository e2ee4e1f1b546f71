//! `sprintf`, and of `strings.*` what isn't compiled in

use super::builtin::{Answer, Asked, BuiltinError, Table, array, expected, failed, text, value};
use serde_json::Value;
use std::fmt::Write;

pub(super) static TABLE: Table = &[
    ("indexof_n", |_, arguments| {
        let (text, part) = (text(arguments, 0)?, text(arguments, 1)?);
        value(positions(text, part)?)
    }),
    ("sprintf", sprintf),
    ("strings.any_prefix_match", |_, arguments| any(arguments, |text, prefix| text.starts_with(prefix))),
    ("strings.any_suffix_match", |_, arguments| any(arguments, |text, suffix| text.ends_with(suffix))),
    ("strings.count", |_, arguments| {
        let (text, part) = (text(arguments, 0)?, text(arguments, 1)?);
        // As in Go, there is nothing before and behind each character.
        value(text.matches(part).count())
    }),
    ("strings.reverse", |_, arguments| value(text(arguments, 0)?.chars().rev().collect::<String>())),
];

/// Where the part begins, in characters; it may overlap itself.
fn positions(text: &str, part: &str) -> Result<Vec<usize>, BuiltinError> {
    if part.is_empty() {
        return Err(failed("nothing to look for"));
    }
    let places = text.char_indices().enumerate();
    Ok(places.filter(|(_, (at, _))| text[*at..].starts_with(part)).map(|(count, _)| count).collect())
}

/// Whether it holds for a text and a part, of which there may be several each.
fn any(arguments: &[Value], holds: fn(&str, &str) -> bool) -> Answer {
    let texts = |index: usize| match arguments.get(index) {
        Some(Value::String(text)) => Ok(vec![text.as_str()]),
        _ => array(arguments, index)?
            .iter()
            .map(|item| item.as_str().ok_or_else(|| expected(index, "a string, or several")))
            .collect(),
    };
    let (texts, parts) = (texts(0)?, texts(1)?);
    value(texts.iter().any(|text| parts.iter().any(|part| holds(text, part))))
}

/// The most characters that a width or a precision may ask for.
const WIDEST: usize = 10_000;

/// Go's `fmt.Sprintf`, as far as JSON's values go: integers are integers, other numbers are floats, and what is neither
/// number nor string is its JSON text.
fn sprintf(asked: &mut Asked, arguments: &[Value]) -> Answer {
    let (format, values) = (text(arguments, 0)?, array(arguments, 1)?);
    let mut out = String::new();
    let mut next = 0;
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let (verb, behind) = Verb::parse(&rest[at + 1..]);
        rest = behind;
        match verb.letter {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(letter) => match values.get(next) {
                None => _ = write!(out, "%!{letter}(MISSING)"),
                Some(value) => {
                    next += 1;
                    asked.take(verb.width + verb.precision.unwrap_or(0))?;
                    verb.write(&mut out, letter, value);
                }
            },
        }
    }
    out.push_str(rest);
    if next < values.len() {
        let extra: Vec<_> =
            values[next..].iter().map(|value| format!("{}={}", go_type(value), plain(value))).collect();
        let _ = write!(out, "%!(EXTRA {})", extra.join(", "));
    }
    value(out)
}

/// What stands behind a `%`.
#[derive(Default)]
struct Verb {
    minus: bool,
    plus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: usize,
    precision: Option<usize>,
    letter: Option<char>,
}

impl Verb {
    fn parse(text: &str) -> (Self, &str) {
        let mut verb = Self::default();
        let mut chars = text.chars();
        let mut letter = chars.next();
        loop {
            match letter {
                Some('-') => verb.minus = true,
                Some('+') => verb.plus = true,
                Some(' ') => verb.space = true,
                Some('0') => verb.zero = true,
                Some('#') => verb.sharp = true,
                _ => break,
            }
            letter = chars.next();
        }
        let mut number = |letter: &mut Option<char>| {
            let mut number = 0_usize;
            while let Some(digit) = letter.and_then(|letter| letter.to_digit(10)) {
                number = (number * 10 + digit as usize).min(WIDEST);
                *letter = chars.next();
            }
            number
        };
        verb.width = number(&mut letter);
        if letter == Some('.') {
            letter = Some('0');
            verb.precision = Some(number(&mut letter));
        }
        verb.letter = letter;
        (verb, chars.as_str())
    }

    fn write(&self, out: &mut String, letter: char, value: &Value) {
        let integer = value.as_number().and_then(|number| number.to_string().parse::<i128>().ok());
        let text = match (letter, value) {
            ('s' | 'v', Value::String(text)) => self.cut(text),
            ('v' | 's', _) => plain(value),
            ('q', Value::String(text)) => Value::from(self.cut(text)).to_string(),
            ('T', _) => go_type(value).into(),
            ('t', Value::Bool(truth)) => truth.to_string(),
            _ => match (letter, integer, value.as_f64()) {
                ('d', Some(n), _) => n.abs().to_string(),
                ('b', Some(n), _) => format!("{:b}", n.unsigned_abs()),
                ('o', Some(n), _) => format!("{}{:o}", if self.sharp { "0" } else { "" }, n.unsigned_abs()),
                ('x', Some(n), _) => format!("{}{:x}", if self.sharp { "0x" } else { "" }, n.unsigned_abs()),
                ('X', Some(n), _) => format!("{}{:X}", if self.sharp { "0X" } else { "" }, n.unsigned_abs()),
                ('c', Some(n), _) => {
                    u32::try_from(n).ok().and_then(char::from_u32).unwrap_or('\u{FFFD}').into()
                }
                ('U', Some(n), _) => format!("U+{:04X}", n.unsigned_abs()),
                ('f' | 'F', None, Some(x)) => format!("{:.*}", self.precision.unwrap_or(6), x.abs()),
                ('e' | 'E', None, Some(x)) => exponent(x.abs(), self.precision.unwrap_or(6), letter),
                ('g' | 'G', None, Some(x)) => x.abs().to_string(),
                ('x' | 'X', _, _) if value.is_string() => {
                    hex(value.as_str().unwrap_or_default(), letter == 'X')
                }
                _ => {
                    let _ = write!(out, "%!{letter}({}={})", go_type(value), plain(value));
                    return;
                }
            },
        };
        let is_number = matches!(letter, 'd' | 'b' | 'o' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E' | 'g' | 'G')
            && value.is_number();
        let negative = is_number && value.to_string().starts_with('-');
        let sign = match () {
            _ if negative => "-",
            _ if is_number && self.plus => "+",
            _ if is_number && self.space => " ",
            _ => "",
        };
        let missing = self.width.saturating_sub(text.chars().count() + sign.len());
        match (self.minus, self.zero && is_number) {
            (true, _) => _ = write!(out, "{sign}{text}{:missing$}", ""),
            (false, true) => _ = write!(out, "{sign}{:0<missing$}{text}", ""),
            (false, false) => _ = write!(out, "{:missing$}{sign}{text}", ""),
        }
    }

    /// At most as many characters as the precision says.
    fn cut(&self, text: &str) -> String {
        text.chars().take(self.precision.unwrap_or(usize::MAX)).collect()
    }
}

/// As `%v` shows it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| term(value), str::to_string)
}

/// As Rego writes it, with spaces between the parts.
fn term(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(term).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), term(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        _ => value.to_string(),
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int",
        Value::Bool(_) => "bool",
        _ => "string",
    }
}

fn hex(text: &str, upper: bool) -> String {
    text.bytes().map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }).collect()
}

/// With at least two digits of exponent, as Go writes it.
fn exponent(x: f64, precision: usize, letter: char) -> String {
    let text = format!("{x:.precision$e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}{letter}{sign}{:02}", power.abs())
}

#[cfg(test)]
mod tests {
    use super::super::tests::answers;
    use serde_json::json;

    #[test]
    fn parts_of_texts() {
        answers("indexof_n", json!(["sadé sad", "sad"]), json!([0, 5]));
        answers("indexof_n", json!(["aaa", "aa"]), json!([0, 1]));
        answers("indexof_n", json!(["x", "y"]), json!([]));
        super::super::tests::fails("indexof_n", json!(["x", ""]));
        answers("strings.count", json!(["cheese", "e"]), json!(3));
        answers("strings.count", json!(["five", ""]), json!(5));
        answers("strings.reverse", json!(["aé1"]), json!("1éa"));
        answers("strings.any_prefix_match", json!(["a/b", ["x", "a/"]]), json!(true));
        answers("strings.any_prefix_match", json!([["b", "c"], "a"]), json!(false));
        answers("strings.any_suffix_match", json!([["b.com", "c.org"], [".org"]]), json!(true));
        super::super::tests::fails("strings.any_suffix_match", json!([1, "a"]));
    }

    #[test]
    fn sprintf_formats_as_go_does() {
        for (format, values, expected) in [
            ("plain", json!([]), "plain"),
            ("%s and %v", json!(["a", "b"]), "a and b"),
            ("%d%%", json!([42]), "42%"),
            ("%5d|%-5d|%05d|%+d", json!([42, 42, -42, 42]), "   42|42   |-0042|+42"),
            ("%x %X %o %b %c", json!([255, 255, 8, 5, 65]), "ff FF 10 101 A"),
            ("%U", json!([9731]), "U+2603"),
            ("%.2f|%8.3f", json!([1.236, -2.5]), "1.24|  -2.500"),
            ("%e", json!([12345.678]), "1.234568e+04"),
            ("%q", json!(["say \"hi\""]), r#""say \"hi\"""#),
            ("%t", json!([true]), "true"),
            ("%v %v %v", json!([[1, "a"], {"k": 1}, null]), r#"[1, "a"] {"k": 1} null"#),
            ("%5s|%-5s|%.2s", json!(["ab", "ab", "abcd"]), "   ab|ab   |ab"),
            ("%s", json!([]), "%!s(MISSING)"),
            ("%d", json!(["x"]), "%!d(string=x)"),
            ("a", json!([1]), "a%!(EXTRA int=1)"),
            ("100%", json!([]), "100%!(NOVERB)"),
            ("%v", json!([123456789012345678901234567890_f64]), "1.2345678901234568e+29"),
            ("%99999999999s", json!(["x"]), &format!("{:>10000}", "x")),
        ] {
            answers("sprintf", json!([format, values]), json!(expected));
        }
        super::super::tests::fails("sprintf", json!([1, []]));
        super::super::tests::fails("sprintf", json!(["%s", 1]));
    }
}
