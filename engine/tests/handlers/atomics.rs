//! Atomic instructions, against a second statement of what they do.

use crate::Seen;
use crate::atomic_table::{Atomic, atomics};
use dunlin::{Config, Dispatch, Engine, Instance, Module, Store, Trap, Val};

const LEN: u64 = 65_536;

/// The two memories: 32-bit and 64-bit.
const MEMORIES: &str = r#"(memory (export "m0") 1 1) (memory (export "m1") i64 1 1)"#;

const OFFSETS: [u64; 4] = [0, 3, LEN, 0xffff_fff8];
/// A 64-bit memory's too.
const FAR: [u64; 2] = [1 << 32, u64::MAX - 7];

const ADDRESSES: [u64; 10] = [0, 8, 5, 12, LEN - 8, LEN - 1, LEN, 0xffff_fff8, 0xffff_ffff, 13];

/// What an instruction does: its result, or a trap.
fn restated(atomic: &Atomic, memory: &mut [u8], start: u128, x: u64, y: u64) -> Result<u64, Trap> {
    let bytes = atomic.bytes as usize;
    let start = u64::try_from(start).map_err(|_| Trap::MemoryOutOfBounds)?;
    if !start.is_multiple_of(bytes as u64) {
        return Err(Trap::HeapMisaligned);
    }
    let place = usize::try_from(start).ok().and_then(|start| memory.get_mut(start..)?.get_mut(..bytes));
    let place = place.ok_or(Trap::MemoryOutOfBounds)?;
    let mut word = [0; 8];
    word[..bytes].copy_from_slice(place);
    let old = u64::from_le_bytes(word);
    let new = match atomic.does {
        "load" => old,
        "store" | "xchg" => x,
        "add" => old.wrapping_add(x),
        "sub" => old.wrapping_sub(x),
        "and" => old & x,
        "or" => old | x,
        "xor" => old ^ x,
        "cmpxchg" if x.to_le_bytes()[..bytes] == word[..bytes] => y,
        "cmpxchg" => old,
        other => panic!("{other}"),
    };
    place.copy_from_slice(&new.to_le_bytes()[..bytes]);
    Ok(if atomic.does == "store" { 0 } else { old })
}

/// Runs all in every way.
pub(crate) fn run_all(seen: &mut Seen) {
    let mut cases = Vec::new();
    for atomic in atomics() {
        for memory in [0, 1] {
            for offset in OFFSETS.iter().chain(FAR.iter().filter(|_| memory == 1)) {
                cases.push((atomic.clone(), memory, *offset));
            }
        }
    }
    let functions: String = cases
        .iter()
        .enumerate()
        .map(|(i, (atomic, memory, offset))| {
            let index = if *memory == 0 { "i32" } else { "i64" };
            let text = atomic.text(*memory, *offset);
            format!("(func (export \"{i}\") (param $a {index}) (param $x i64) (param $y i64) (result i64) {text})\n")
        })
        .collect();
    let fence = "(func (export \"fence\") (result i32) (i32.const 1) atomic.fence)";
    let others = r#"
        (func (export "notify") (param i32) (result i32) (memory.atomic.notify offset=4 (local.get 0) (i32.const 1)))
        (func (export "wait32") (param i32) (result i32)
            (memory.atomic.wait32 offset=4 (local.get 0) (i32.const 0) (i64.const 0)))
        (func (export "wait64") (param i32) (result i32)
            (memory.atomic.wait64 1 (i64.extend_i32_u (local.get 0)) (i64.const 0) (i64.const 0)))
        (func (export "far") (param i32) (result i32)
            (memory.atomic.wait64 1 offset=0x1_0000_0000 (i64.extend_i32_u (local.get 0)) (i64.const 0) (i64.const 0)))
    "#;
    let wasm =
        wat::parse_str(format!("(module {MEMORIES} {functions} {fence} {others})")).expect("valid text");
    for dispatch in [Dispatch::Tail, Dispatch::Loop, Dispatch::Count] {
        let mut config = Config::new();
        config.check_translation(true).dispatch(dispatch);
        let engine = Engine::new(&config).expect("an engine");
        let mut store = Store::new(&engine, ());
        let module = Module::new(&engine, &wasm).expect("valid");
        let instance = Instance::new(&mut store, &module, &[]).expect("no imports");
        let mut bytes: [Vec<u8>; 2] = std::array::from_fn(|memory| {
            let memory = instance.get_memory(&mut store, &format!("m{memory}")).expect("an export");
            for (i, byte) in memory.data_mut(&mut store).iter_mut().enumerate() {
                *byte = (i * 31 + (i >> 8)) as u8;
            }
            memory.data(&store).to_vec()
        });
        for (i, (atomic, memory, offset)) in cases.iter().enumerate() {
            let func = instance.get_func(&store, &i.to_string()).expect("an export");
            let wide = [u64::MAX - 7, u64::MAX - 65_535, u64::MAX.wrapping_sub((1 << 32) - 17)];
            for address in ADDRESSES.into_iter().chain(wide.into_iter().filter(|_| *memory == 1)) {
                let expected =
                    u64::from_le_bytes(bytes[*memory as usize][8..16].try_into().expect("8 bytes"));
                for (x, y) in [(0x1122_3344_5566_7788, 0x99aa_bbcc_ddee_ff00), (expected, 5)] {
                    let index =
                        if *memory == 0 { Val::I32(address as i32) } else { Val::I64(address as i64) };
                    let start = u128::from(address) + u128::from(*offset);
                    let expected = restated(atomic, &mut bytes[*memory as usize], start, x, y);
                    let mut result = [Val::I64(0)];
                    let found =
                        func.call(&mut store, &[index, Val::I64(x as i64), Val::I64(y as i64)], &mut result);
                    let found = found.map(|()| result[0].i64().expect("an i64") as u64);
                    let found = found.map_err(|error| error.trap().unwrap_or_else(|| panic!("{error}")));
                    assert_eq!(
                        found, expected,
                        "by {dispatch:?}: {atomic:?} {memory} {offset} at {address:#x}"
                    );
                }
            }
            for (memory, bytes) in bytes.iter().enumerate() {
                let memory = instance.get_memory(&mut store, &format!("m{memory}")).expect("an export");
                assert!(memory.data(&store) == bytes, "by {dispatch:?}: {atomic:?}");
            }
        }
        let fence = instance.get_typed_func::<(), i32>(&store, "fence").expect("an export");
        assert_eq!(fence.call(&mut store, ()).expect("no trap"), 1);
        let mut of = |name: &str, x| {
            let func = instance.get_typed_func::<i32, i32>(&store, name).expect("an export");
            func.call(&mut store, x).map_err(|error| error.trap().unwrap_or_else(|| panic!("{error}")))
        };
        let last = LEN as i32 - 8;
        assert_eq!([of("notify", 0), of("notify", last)], [Ok(0); 2]);
        assert_eq!(
            [of("notify", 2), of("notify", last + 4)],
            [Err(Trap::HeapMisaligned), Err(Trap::MemoryOutOfBounds)]
        );
        for name in ["wait32", "wait64"] {
            assert_eq!(of(name, 8), Err(Trap::AtomicWaitNonSharedMemory), "{name}");
            assert_eq!(of(name, 2), Err(Trap::HeapMisaligned), "{name}");
            assert_eq!(of(name, last + 8), Err(Trap::MemoryOutOfBounds), "{name}");
        }
        assert_eq!(of("far", 8), Err(Trap::MemoryOutOfBounds));
        if let Some(counts) = store.dispatch_counts() {
            seen.add(counts);
        }
    }
}
