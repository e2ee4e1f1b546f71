//! String formatting and parsing with the standard library: integers, floats, padding, debug output, splitting.

#[path = "bench.rs"]
mod bench;

use bench::{Random, mix, mix_bytes};
use std::fmt::{self, Write};

#[derive(Debug)]
#[allow(dead_code)]
struct Reading {
    id: u32,
    place: (i32, i32),
    name: Option<String>,
    values: Vec<f32>,
}

struct Money(i64);

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:02}", self.0 / 100, (self.0 % 100).abs());
        f.pad_integral(self.0 >= 0, "", text.trim_start_matches('-'))
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn run(n: i32) -> i64 {
    let mut random = Random(31);
    let mut sum = 0;
    let mut line = String::new();
    for i in 0..n {
        let r = random.next();
        line.clear();
        write!(line, "{i:>8}|{:<12}|{:^10}|{:+}", r as u32, (r >> 40) as i32 - 4_000_000, (r >> 16) as i16).unwrap();
        write!(line, "|{:#x}|{:08b}|{:o}", r, r as u8, r >> 50).unwrap();
        write!(line, "|{:.3}|{:e}|{}", (r >> 20) as f64 / 1e6, r as f64, (r >> 44) as f32 / 7.0).unwrap();
        write!(line, "|{:>12}|{:?}|{:?}", Money((r >> 32) as i32 as i64), "tab\there \u{e9}", 'x').unwrap();
        let reading = Reading {
            id: i as u32,
            place: (r as i32 >> 8, -1),
            name: (r & 1 == 0).then(|| format!("n{}", r % 1000)),
            values: vec![0.5, (r % 64) as f32],
        };
        write!(line, "|{reading:?}").unwrap();
        sum = mix_bytes(sum, line.as_bytes());

        for field in line.split('|').take(10) {
            let field = field.trim();
            if let Ok(value) = field.parse::<i64>() {
                sum = mix(sum, value as u64);
            } else if let Ok(value) = field.parse::<f64>() {
                sum = mix(sum, value.to_bits());
            }
        }
        let upper: String = line.chars().rev().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
        sum = mix(sum, upper.len() as u64);
    }
    sum as i64
}
