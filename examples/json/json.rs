//! Reads JSON (RFC 8259) from standard input and prints it indented, or in one line with `-c`.
//! An error is reported as LINE:COLUMN on standard error, with exit code 1.

use std::io::{self, Read, Write};
use std::process::ExitCode;

/// Nesting deeper than this is an error, because each level costs the parser a stack frame.
const MAX_DEPTH: usize = 512;

enum Value {
    /// `null`, `true`, `false`, or a number, spelled as in the input: a number that passes through keeps its digits.
    Literal(String),
    String(String),
    Array(Vec<Value>),
    /// Members in the order of the input.
    Object(Vec<(String, Value)>),
}

struct Failure {
    at: usize,
    message: String,
}

type Parsed<T> = Result<T, Failure>;

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn fail<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(Failure { at: self.at, message: message.into() })
    }

    fn unexpected<T>(&self, wanted: &str) -> Parsed<T> {
        match self.text[self.at..].chars().next() {
            Some(c) => self.fail(format!("expected {wanted}, found {c:?}")),
            None => self.fail(format!("expected {wanted}, found the end of the input")),
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn document(&mut self) -> Parsed<Value> {
        let value = self.value()?;
        self.skip_space();
        if self.at < self.text.len() {
            return self.unexpected("the end of the input");
        }
        Ok(value)
    }

    fn value(&mut self) -> Parsed<Value> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                let rest = &self.text[self.at..];
                match ["null", "true", "false"].into_iter().find(|word| rest.starts_with(word)) {
                    Some(word) => {
                        self.at += word.len();
                        Ok(Value::Literal(word.to_string()))
                    }
                    None => self.unexpected("a value"),
                }
            }
        }
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Parsed<Value>) -> Parsed<Value> {
        if self.depth == MAX_DEPTH {
            return self.fail(format!("nested more than {MAX_DEPTH} levels deep"));
        }
        self.depth += 1;
        self.at += 1;
        let value = inner(self);
        self.depth -= 1;
        value
    }

    fn array(&mut self) -> Parsed<Value> {
        let mut items = Vec::new();
        self.skip_space();
        if self.eat(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_space();
            if self.eat(b']') {
                return Ok(Value::Array(items));
            }
            if !self.eat(b',') {
                return self.unexpected("',' or ']'");
            }
        }
    }

    fn object(&mut self) -> Parsed<Value> {
        let mut members = Vec::new();
        self.skip_space();
        if self.eat(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return self.unexpected("a member's name in quotes");
            }
            let name = self.string()?;
            self.skip_space();
            if !self.eat(b':') {
                return self.unexpected("':'");
            }
            members.push((name, self.value()?));
            self.skip_space();
            if self.eat(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.eat(b',') {
                return self.unexpected("',' or '}'");
            }
        }
    }

    fn digits(&mut self) -> Parsed<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.unexpected("a digit");
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Parsed<Value> {
        let start = self.at;
        self.eat(b'-');
        if self.eat(b'0') {
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return self.fail("a number may not begin with 0");
            }
        } else {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(Value::Literal(self.text[start..self.at].to_string()))
    }

    fn string(&mut self) -> Parsed<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let Some(c) = self.text[self.at..].chars().next() else {
                return self.unexpected("'\"'");
            };
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(out);
                }
                '\\' => out.push(self.escape()?),
                '\0'..='\x1f' => return self.fail("a control character in a string must be escaped"),
                _ => {
                    out.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let start = self.at;
        self.at += 1;
        let Some(byte) = self.peek() else {
            return self.unexpected("an escape");
        };
        let c = match byte {
            b'"' | b'\\' | b'/' => byte as char,
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode(start);
            }
            _ => return self.unexpected("an escape"),
        };
        self.at += 1;
        Ok(c)
    }

    /// What follows `\u`: four hex digits, and the second half of the pair if they are a high surrogate.
    fn unicode(&mut self, start: usize) -> Parsed<char> {
        let first = self.hex4()?;
        let code = match first {
            0xd800..=0xdbff if self.text[self.at..].starts_with("\\u") => {
                self.at += 2;
                match self.hex4()? {
                    second @ 0xdc00..=0xdfff => 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                    _ => first,
                }
            }
            _ => first,
        };
        match char::from_u32(code) {
            Some(c) => Ok(c),
            None => Err(Failure { at: start, message: "a surrogate stands alone".to_string() }),
        }
    }

    fn hex4(&mut self) -> Parsed<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|b| (b as char).to_digit(16)) else {
                return self.unexpected("a hex digit");
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\x1f' => out.push_str(&format!("\\u{:04x}", c as u32)),
            _ => out.push(c),
        }
    }
    out.push('"');
}

struct Printer {
    out: String,
    compact: bool,
}

impl Printer {
    fn newline(&mut self, level: usize) {
        if !self.compact {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", level));
        }
    }

    fn value(&mut self, value: &Value, level: usize) {
        match value {
            Value::Literal(text) => self.out.push_str(text),
            Value::String(text) => write_string(text, &mut self.out),
            Value::Array(items) => self.list('[', ']', items, level, |p, item| p.value(item, level + 1)),
            Value::Object(members) => self.list('{', '}', members, level, |p, (name, value)| {
                write_string(name, &mut p.out);
                p.out.push_str(if p.compact { ":" } else { ": " });
                p.value(value, level + 1);
            }),
        }
    }

    fn list<T>(&mut self, open: char, close: char, items: &[T], level: usize, each: impl Fn(&mut Self, &T)) {
        self.out.push(open);
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            self.newline(level + 1);
            each(self, item);
        }
        if !items.is_empty() {
            self.newline(level);
        }
        self.out.push(close);
    }
}

/// The line and column (both from 1, columns in characters) of a byte offset.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn format(bytes: Vec<u8>, compact: bool) -> Result<String, String> {
    let text = String::from_utf8(bytes)
        .map_err(|e| format!("not UTF-8: byte {} is invalid", e.utf8_error().valid_up_to()))?;
    let mut parser = Parser { text: &text, at: 0, depth: 0 };
    let value = parser.document().map_err(|failure| {
        let (line, column) = position(&text, failure.at);
        format!("{line}:{column}: {}", failure.message)
    })?;
    let mut printer = Printer { out: String::new(), compact };
    printer.value(&value, 0);
    printer.out.push('\n');
    Ok(printer.out)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let compact = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["-c"] => true,
        _ => {
            eprintln!("usage: json [-c] < FILE");
            return ExitCode::from(2);
        }
    };
    let mut bytes = Vec::new();
    let outcome = io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|e| format!("standard input: {e}"))
        .and_then(|_| format(bytes, compact))
        .and_then(|text| {
            io::stdout().write_all(text.as_bytes()).map_err(|e| format!("standard output: {e}"))
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("json: {message}");
            ExitCode::from(1)
        }
    }
}
