//! Damaged and forged snapshots: they are refused, or execute as something valid does; nothing else happens.

use crate::moving::{Program, World, assert_refused, engine};
use dunlin::{Budget, ErrorKind, ResumableCall, Val};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// How many forgeries are tried of each program's snapshots; 2,000 without it.
const COUNT: &str = "DUNLIN_SNAPSHOT_FORGERIES";

const TEXT: &str = r#"(module
    (type $f (func (param i32) (result i32)))
    (import "host" "twice" (func $twice (type $f)))
    (memory (export "memory") 2 5) (data (i32.const 10) "some bytes")
    (table 4 9 funcref) (elem (i32.const 0) $sum $twice $typed)
    (global $r (mut (ref null $f)) (ref.func $sum))
    (global $v (mut v128) (v128.const i64x2 1 2))
    (func $sum (type $f)
        (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
            (else (i32.add (call $sum (i32.sub (local.get 0) (i32.const 1))) (local.get 0)))))
    (func $typed (type $f) (local $g (ref null $f)) (local f64)
        (local.set $g (ref.func $twice))
        (call_ref $f (local.get 0) (local.get $g)))
    (func (export "run") (param i32) (result i32) (local i64 f64 funcref)
        (local.set 3 (ref.func $typed))
        (loop $again
            (i32.mul (local.get 0) (i32.const 3))
            (memory.fill (i32.const 5000) (local.get 0) (i32.const 3000))
            (call_indirect (type $f) (i32.const 12) (i32.and (local.get 0) (i32.const 1)))
            (i32.add)
            (i64.extend_i32_u)
            (local.set 1 (i64.add (local.get 1)))
            (local.set 0 (i32.add (i32.const 5) (i32.and (i32.const 7)
                (call_ref $f (i32.sub (local.get 0) (i32.const 4)) (ref.as_non_null (global.get $r))))))
            (br_if $again (i64.lt_u (local.get 1) (i64.const 1000))))
        (i32.wrap_i64 (local.get 1))))"#;

/// A snapshot's blocks: their heads, and their payloads.
fn blocks(bytes: &[u8]) -> Vec<([u8; 8], Vec<u8>)> {
    let (mut at, mut blocks) = (12, Vec::new());
    while at < bytes.len() {
        let head: [u8; 8] = bytes[at..at + 8].try_into().unwrap();
        let len = u32::from_le_bytes(head[4..].try_into().unwrap()) as usize;
        blocks.push((head, bytes[at + 8..at + 8 + len].to_vec()));
        at += 8 + len + 16;
    }
    blocks
}

/// A snapshot of these blocks, with checksums that are right.
fn sealed(blocks: &[([u8; 8], Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"\0dunsnap\x01\0\0\0".to_vec();
    for (number, (head, payload)) in blocks.iter().enumerate() {
        let mut head = *head;
        head[4..].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        let mut sum = SipHasher13::new_with_keys(0x6475_6e6c_696e, 0x736e_6170);
        sum.write(&(number as u64).to_le_bytes());
        sum.write(&head);
        sum.write(payload);
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(&sum.finish128().as_bytes());
    }
    bytes
}

/// Snapshots of the program at many places.
fn snapshots(program: &Program<'_>) -> Vec<Vec<u8>> {
    let engine = engine(|_| {});
    let mut world = World::new(&engine, Vec::new());
    let (mut call, mut results) = world.begin(program, 1);
    let mut snapshots = Vec::new();
    while let (Ok(ResumableCall::Suspended(suspended)), 0..150) = (call, snapshots.len()) {
        snapshots.push(world.snapshot(&suspended).unwrap());
        world.store.set_fuel(9).unwrap();
        call = suspended.resume(&mut world.store, &mut results);
    }
    assert!(snapshots.len() > 30, "{}", snapshots.len());
    snapshots
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }
}

fn program() -> Program<'static> {
    Program::new(TEXT, &[Val::I32(20)])
}

#[test]
fn every_damage_is_noticed() {
    let engine = engine(|_| {});
    let program = program();
    let bytes = snapshots(&program).swap_remove(17);
    assert!(sealed(&blocks(&bytes)) == bytes, "the format is another one");
    let mut random = Random(11);
    for _ in 0..300 {
        let mut damaged = bytes.clone();
        damaged[random.below(bytes.len())] ^= 1 << random.below(8);
        let mut world = World::new(&engine, Vec::new());
        assert_refused(world.restore(&program, &damaged), ErrorKind::Invalid, "snapshot");
    }
    for _ in 0..100 {
        let mut world = World::new(&engine, Vec::new());
        let cut = &bytes[..random.below(bytes.len())];
        assert_refused(world.restore(&program, cut), ErrorKind::Invalid, "snapshot");
    }
    let mut swapped = blocks(&bytes);
    swapped.swap(1, 2);
    let mut world = World::new(&engine, Vec::new());
    assert_refused(world.restore(&program, &sealed(&swapped)), ErrorKind::Invalid, "the part");
}

/// Whatever bytes are changed, with checksums that are right: no panic, no memory beyond the budget.
#[test]
fn forgeries_are_refused_or_harmless() {
    let count = std::env::var(COUNT).ok().and_then(|count| count.parse().ok()).unwrap_or(2000);
    let program = program();
    let snapshots = snapshots(&program);
    let mut random = Random(0x5eed);
    let (mut refused, mut ran, mut cloned) = (0, 0, 0);
    for _ in 0..count {
        let mut blocks = blocks(&snapshots[random.below(snapshots.len())]);
        for _ in 0..=random.below(3) {
            // Mostly the call and the instances, which are small.
            let block = match random.below(4) {
                0 => random.below(blocks.len()),
                1 => 3,
                _ => blocks.len() - 2,
            };
            let payload = &mut blocks[block].1;
            if payload.is_empty() {
                continue;
            }
            let at = random.below(payload.len());
            match random.below(5) {
                0 => payload[at] = random.below(256) as u8,
                1 => payload[at] ^= 1 << random.below(8),
                2 => payload[at] = payload[at].wrapping_add(1),
                3 => drop(payload.drain(at..(at + random.below(9)).min(payload.len()))),
                _ => payload.insert(at, random.below(256) as u8),
            }
        }
        let budget = Budget::new(4 << 20);
        let engine = engine(|config| _ = config.budget(budget.clone()));
        let mut world = World::new(&engine, Vec::new());
        let forged = sealed(&blocks);
        let module = dunlin::Module::new(&engine, TEXT).unwrap();
        let prepared = dunlin::Snapshot::open(engine.budget(), &forged[..])
            .and_then(|snapshot| snapshot.restore_pre(&world.linker, &[&module]));
        let restored = world.restore(&program, &forged);
        // What is refused isn't prepared either. (Preparing takes more memory, and no objects of the host.)
        assert!(restored.is_ok() || prepared.is_err());
        if let Ok(prepared) = prepared {
            cloned += 1;
            let mut clone = World::new(&engine, Vec::new());
            if let Ok(restored) = prepared.restore(&mut clone.store)
                && let Some(call) = restored.call
            {
                clone.store.set_fuel(20_000).unwrap();
                let _ = call.resume(&mut clone.store, &mut [Val::I32(0)]);
            }
        }
        match restored {
            Err(_) => refused += 1,
            Ok(call) => {
                ran += 1;
                world.store.set_fuel(20_000).unwrap();
                let mut results = [Val::I32(0)];
                if let Some(call) = call {
                    let same = call.func().ty(&world.store).results().len() == 1;
                    assert!(same, "another function was called");
                    let _ = call.resume(&mut world.store, &mut results);
                }
            }
        }
        drop(world);
        assert!(budget.peak() <= 4 << 20);
    }
    println!("{refused} were refused, {ran} ran");
    assert!(refused > count / 3 && ran > 0 && cloned > 0, "{refused} {ran} {cloned}");
}
