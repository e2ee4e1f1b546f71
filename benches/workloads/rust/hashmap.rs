//! The standard library's hash maps and sets, with integer and string keys: counting, joining, removing.

#[path = "bench.rs"]
mod bench;

use bench::{Random, mix};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// FNV-1a over bytes, and a multiplication for whole words.
#[derive(Default)]
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(value.into());
    }
}

type Build = BuildHasherDefault<Fnv>;

#[unsafe(no_mangle)]
pub extern "C" fn run(n: i32) -> i64 {
    let n = n as u64;
    let mut random = Random(17);
    let mut sum = 0;

    let mut counts: HashMap<u64, u32, Build> = HashMap::default();
    for _ in 0..n {
        *counts.entry(random.below(n / 4 + 1)).or_default() += 1;
    }
    for key in 0..n / 4 + 1 {
        sum = mix(sum, counts.get(&key).copied().unwrap_or(0).into());
    }
    for key in (0..n / 4 + 1).step_by(3) {
        sum = mix(sum, counts.remove(&key).is_some().into());
    }
    for key in n..n + n / 8 {
        counts.insert(key, key as u32);
    }
    sum = mix(sum, counts.len() as u64);

    let mut words: HashMap<String, Vec<u32>, Build> = HashMap::default();
    for i in 0..n / 4 {
        let word = random.below(n / 16 + 1);
        let text: String = (0..3 + word % 9).map(|at| char::from(b'a' + ((word >> at) % 26) as u8)).collect();
        words.entry(text).or_default().push(i as u32);
    }
    for places in words.values() {
        sum = sum.wrapping_add(mix(places.len() as u64, places.iter().map(|&at| u64::from(at)).sum()));
    }

    let left: HashSet<u32, Build> = (0..n / 4).map(|_| random.below(n / 2 + 1) as u32).collect();
    let right: HashSet<u32, Build> = (0..n / 4).map(|_| random.below(n / 2 + 1) as u32).collect();
    let both: u64 = left.intersection(&right).map(|&value| u64::from(value)).sum();
    mix(mix(sum, both), left.union(&right).count() as u64) as i64
}
