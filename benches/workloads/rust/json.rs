//! JSON: a document is made, parsed into a tree, checked, changed, and written again.

#[path = "bench.rs"]
mod bench;

use bench::{Random, mix_bytes};
use std::collections::BTreeMap;
use std::fmt::Write;

enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        self.text[self.at..].starts_with(word.as_bytes()).then(|| {
            self.at += word.len();
            value
        })
    }

    fn value(&mut self) -> Option<Json> {
        match self.peek()? {
            b'n' => self.word("null", Json::Null),
            b't' => self.word("true", Json::Bool(true)),
            b'f' => self.word("false", Json::Bool(false)),
            b'"' => self.string().map(Json::Text),
            b'[' => {
                self.at += 1;
                let mut list = Vec::new();
                if self.peek()? == b']' {
                    self.at += 1;
                    return Some(Json::List(list));
                }
                loop {
                    list.push(self.value()?);
                    match self.peek()? {
                        b',' => self.at += 1,
                        _ => {
                            self.expect(b']')?;
                            return Some(Json::List(list));
                        }
                    }
                }
            }
            b'{' => {
                self.at += 1;
                let mut object = BTreeMap::new();
                if self.peek()? == b'}' {
                    self.at += 1;
                    return Some(Json::Object(object));
                }
                loop {
                    self.peek()?;
                    let key = self.string()?;
                    self.expect(b':')?;
                    object.insert(key, self.value()?);
                    match self.peek()? {
                        b',' => self.at += 1,
                        _ => {
                            self.expect(b'}')?;
                            return Some(Json::Object(object));
                        }
                    }
                }
            }
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Option<Json> {
        let start = self.at;
        while let Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
        }
        std::str::from_utf8(&self.text[start..self.at]).ok()?.parse().ok().map(Json::Number)
    }

    fn string(&mut self) -> Option<String> {
        self.expect(b'"')?;
        let mut text = Vec::new();
        loop {
            let byte = *self.text.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => return String::from_utf8(text).ok(),
                b'\\' => {
                    let escaped = *self.text.get(self.at)?;
                    self.at += 1;
                    match escaped {
                        b'n' => text.push(b'\n'),
                        b't' => text.push(b'\t'),
                        b'u' => {
                            let digits = std::str::from_utf8(self.text.get(self.at..self.at + 4)?).ok()?;
                            self.at += 4;
                            let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
                            text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                        }
                        other => text.push(other),
                    }
                }
                other => text.push(other),
            }
        }
    }
}

fn write(json: &Json, out: &mut String) {
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(value) => write!(out, "{value}").unwrap(),
        Json::Text(text) => write_text(text, out),
        Json::List(list) => {
            out.push('[');
            for (i, item) in list.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Json::Object(object) => {
            out.push('{');
            for (i, (key, value)) in object.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            ' '..='~' => out.push(character),
            _ => write!(out, "\\u{:04x}", character as u32).unwrap(),
        }
    }
    out.push('"');
}

fn make(random: &mut Random, records: i32) -> String {
    let mut text = String::from("{ \"records\": [\n");
    for i in 0..records {
        if i > 0 {
            text.push_str(",\n");
        }
        let (x, y) = (random.below(100_000), random.next());
        write!(
            text,
            r#"  {{"id": {i}, "name": "sensor \"{x}\"", "place": [{}.{:03}, -{}e-2, {}], "on": {}, "note": {}, "tags": ["a\n{}", "\u00e4", {{}}, []]}}"#,
            y % 180,
            y >> 8 & 511,
            y >> 20 & 1023,
            y >> 32 & 0xffff,
            y & 1 == 0,
            if y & 6 == 0 { "null" } else { "\"checked and found well within what is allowed\"" },
            x % 10,
        )
        .unwrap();
    }
    text.push_str("\n] }");
    text
}

fn scale(json: &mut Json) {
    match json {
        Json::Number(value) => *value *= 0.5,
        Json::List(list) => list.iter_mut().for_each(scale),
        Json::Object(object) => object.values_mut().for_each(scale),
        _ => {}
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn run(n: i32) -> i64 {
    let text = make(&mut Random(9), n);
    let mut parser = Parser { text: text.as_bytes(), at: 0 };
    let Some(mut json) = parser.value() else { return -1 };
    scale(&mut json);
    let mut once = String::new();
    write(&json, &mut once);
    let mut parser = Parser { text: once.as_bytes(), at: 0 };
    let Some(json) = parser.value() else { return -2 };
    let mut twice = String::new();
    write(&json, &mut twice);
    if once != twice {
        return -3;
    }
    mix_bytes(0, once.as_bytes()) as i64
}
