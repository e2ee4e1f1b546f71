//! Records that are damaged, break off, or were forged.

use super::*;

/// Each byte of a record matters, and each change of one is noticed.
#[test]
fn each_changed_byte_is_noticed() {
    let engine = engine(Dispatch::Tail);
    let text = r#"(module (import "host" "i32" (func $i32 (param i32) (result i32)))
        (import "host" "fill" (func $fill (param i32 i32))) (memory (export "memory") 1)
        (func (export "run") (param i32) (result i64)
            (loop $again
                (call $fill (call $i32 (i32.const 1)) (i32.const 9))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (i64.load (i32.const 8))))"#;
    let text =
        &text.replace("(call $i32 (i32.const 1))", "(i32.and (call $i32 (i32.const 1)) (i32.const 15))");
    let (_, file) = record(&engine, text, 5, 20);
    assert_eq!(replay(&engine, text, &file, 20).unwrap().1, ReplayEnd::Same);
    for at in 0..file.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = file.clone();
            changed[at] ^= change;
            let noticed = !matches!(replay(&engine, text, &changed, 20), Ok((_, ReplayEnd::Same)));
            assert!(noticed, "{change:#x} at {at} of {}", file.len());
        }
    }
}

#[test]
fn a_record_that_breaks_off_is_replayed_as_far_as_it_goes() {
    let engine = engine(Dispatch::Tail);
    let (_, file) = record(&engine, MIXES, 5, 30);
    let mut furthest = 0;
    for len in (0..file.len()).step_by(file.len() / 150) {
        match replay(&engine, MIXES, &file[..len], 30) {
            Ok((result, ReplayEnd::RecordEnds(None))) => assert!(result.is_err()),
            Err(error) => {
                let said = error.to_string();
                assert!(said.contains("no record") || said.contains("ends too soon"), "{said}");
                furthest = len;
            }
            other => panic!("{other:?}"),
        }
    }
    // Only without its head there is nothing to replay.
    assert!(furthest < 100, "{furthest}");
}

/// Whoever forges a record makes checksums that are right.
#[test]
fn forged_records_are_harmless() {
    let count = std::env::var("DUNLIN_FORGED").ok().and_then(|n| n.parse().ok()).unwrap_or(3000);
    let budget = dunlin::Budget::new(8 << 20);
    let engine = Engine::new(Config::new().recordable().budget(budget)).unwrap();
    let (_, file) = record(&engine, MIXES, 5, 2);
    let mut random = Outside { random: 99 };
    let (mut ends, mut messages) = ([0_u32; 5], std::collections::HashSet::new());
    for _ in 0..count {
        let mut forged = file.clone();
        for _ in 0..=random.next() % 3 {
            mutate(&mut forged, &mut random);
        }
        seal(&mut forged);
        let end = match replay(&engine, MIXES, &forged, 2) {
            Ok((_, ReplayEnd::Same)) => 0,
            Ok((_, ReplayEnd::Diverged(_))) => 1,
            Ok((_, ReplayEnd::RecordEnds(_))) => 2,
            Ok(_) => 3,
            Err(error) => {
                messages.insert(error.to_string());
                4
            }
        };
        ends[end] += 1;
    }
    assert!(ends[1] > 0 && ends[4] > 0, "{ends:?} {messages:?}");
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Outside) {
    // Mostly where events are, and rarely in what was read.
    let at = match random.next() % 2 {
        0 => 12 + random.next() as usize % 200.min(bytes.len() - 12),
        _ => 12 + random.next() as usize % (bytes.len() - 12),
    };
    match random.next() % 4 {
        0 => bytes[at] = random.next() as u8,
        1 => bytes[at] ^= 1 << (random.next() % 8),
        2 => _ = bytes.remove(at),
        _ => bytes.insert(at, random.next() as u8),
    }
}

/// Gives each block its checksum.
fn seal(bytes: &mut [u8]) {
    let (mut at, mut number) = (12, 0_u64);
    while at + 12 < bytes.len() {
        // Lengths stay plausible.
        let len = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        let len = if len == 0 || at + 12 + len > bytes.len() { bytes.len() - at - 12 } else { len };
        bytes[at + 4..at + 8].copy_from_slice(&(len as u32).to_le_bytes());
        let mut sum = crc32fast::Hasher::new();
        sum.update(&number.to_le_bytes());
        sum.update(&bytes[at..at + 8]);
        sum.update(&bytes[at + 12..at + 12 + len]);
        bytes[at + 8..at + 12].copy_from_slice(&sum.finalize().to_le_bytes());
        at += 12 + len;
        number += 1;
    }
}
