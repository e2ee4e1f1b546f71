//! Loads and stores: guarded memories, checked ones, and checked against speculation.

use super::native::{Memory, Native};
use super::table::ACCESSES;
use super::values::{constant, from_val, to_val};
use super::{Seen, bodies, isa, name, translate};
use crate::compiler::clif::heaps::Heap;
use dunlin::tier::{RelaxedSimd, layout};
use dunlin::{Config, Engine, Instance, MemoryType, Module, Store};
use wasmparser::ValType;

/// The word of the tests' context at which the pointers to memories begin.
pub(super) const MEMORIES_WORD: u32 = 16;

const PAGES: [usize; 2] = [1, 2];

/// Functions of an address and a value, with one access each; the address is a parameter or constant.
struct Access {
    text: String,
    result: ValType,
    value: ValType,
    addresses: Vec<u64>,
}

fn accesses(is_64: bool) -> Vec<Access> {
    let index = if is_64 { ValType::I64 } else { ValType::I32 };
    let mut all = Vec::new();
    for (memory, pages) in PAGES.iter().enumerate() {
        let len = (pages << 16) as u64;
        for (is_store, ops) in [false, true].into_iter().zip(ACCESSES) {
            for &(op, value, size, lanes) in ops {
                // The last offset is beyond any guard region.
                let far = if is_64 { u64::MAX } else { u32::MAX.into() };
                for offset in [0, 7, len - u64::from(size), 0x7fff_ffff, u32::MAX.into(), far] {
                    let lane =
                        if lanes > 0 { format!(" {}", offset % u64::from(lanes)) } else { String::new() };
                    let operand = if is_store || lanes > 0 { " (local.get 1)" } else { "" };
                    // A second access in the same block, whose check may be redundant.
                    let (result, again) = match is_store {
                        true => (ValType::I32, format!("i32.load8_u {memory} offset={offset}")),
                        false => (value, String::new()),
                    };
                    let text = |address: &str| {
                        let access = format!("({op} {memory} offset={offset}{lane} {address}{operand})");
                        if is_store { format!("{access} ({again} {address})") } else { access }
                    };
                    // If the last address is below the memory, the sum must not wrap around.
                    let last = len.wrapping_sub(size.into()).wrapping_sub(offset) & far;
                    let beyond = last.wrapping_add(1) & far;
                    let addresses = vec![0, last, beyond, u32::MAX.into(), far];
                    all.push(Access { text: text("(local.get 0)"), result, value, addresses });
                    for address in [last, beyond] {
                        let text = text(&constant(index, address.into()));
                        all.push(Access { text, result, value, addresses: vec![address] });
                    }
                }
            }
        }
        let (value, result) = (ValType::I32, ValType::I32);
        let text = format!("(memory.size {memory})");
        all.push(Access { text, result: index, value, addresses: vec![0] });
        // A check that reaches less far than an earlier one, and one that reaches farther.
        let text = format!(
            "(i32.add (i32.load {memory} offset=8 (local.get 0))
                (i32.add (i32.load {memory} offset=4 (local.get 0)) (i32.load {memory} offset=12 (local.get 0))))"
        );
        all.push(Access { text, result, value, addresses: (len - 20..len).collect() });
    }
    all
}

pub(super) fn run_all(seen: &mut Seen) {
    for (guarded, spectre, least) in
        [(true, false, false), (true, false, true), (false, false, false), (false, true, false)]
    {
        run(guarded, spectre, least, false, seen);
    }
    for spectre in [false, true] {
        run(true, spectre, false, true, seen);
    }
}

fn run(guarded: bool, spectre: bool, least: bool, is_64: bool, seen: &mut Seen) {
    let accesses = accesses(is_64);
    let index = if is_64 { ValType::I64 } else { ValType::I32 };
    let functions = accesses.iter().enumerate().map(|(i, access)| {
        let (value, result) = (name(access.value), name(access.result));
        format!("(func (export \"{i}\") (param {index} {value}) (result {result}) {})\n", access.text)
    });
    let text: String = functions.collect();
    let memories = PAGES
        .iter()
        .map(|pages| format!("(memory (export \"m{pages}\") {index} {pages})"))
        .collect::<String>();
    let wasm = wat::parse_str(format!("(module {memories} {text})")).unwrap();
    let engine = Engine::new(&Config::new()).unwrap();
    let module = Module::new(&engine, &wasm).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let interpreted = PAGES.map(|pages| instance.get_memory(&store, &format!("m{pages}")).unwrap());

    let isa = isa(least, false);
    let heaps = PAGES.map(|pages| {
        let ty = match is_64 {
            true => MemoryType::new64(pages as u64, None),
            false => MemoryType::new(pages as u32, None),
        };
        Heap::new(&ty, guarded)
    });
    let funcs = bodies(&wasm).into_iter().zip(&accesses).map(|(body, access)| {
        translate(&body, &[index, access.value], &isa, &heaps, (spectre, RelaxedSimd::DETERMINISTIC), seen)
    });
    let native = Native::new(&*isa, funcs.collect());

    let fill = |bytes: &mut [u8]| {
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = (i.wrapping_mul(0x9e37_79b9) >> 13) as u8;
        }
    };
    let mut initial = vec![0; PAGES[1] << 16];
    fill(&mut initial);
    let mut memories = PAGES.map(|pages| Memory::new(pages << 16, (4 << 30) + layout::GUARD as usize));
    let mut objects = [[0u64; 2]; 2];
    for ((object, memory), pages) in objects.iter_mut().zip(&memories).zip(PAGES) {
        object[layout::MEMORY_BASE as usize / 8] = memory.base();
        object[layout::MEMORY_LEN as usize / 8] = (pages << 16) as u64;
    }
    let mut vm = vec![0; MEMORIES_WORD as usize + 2];
    // That word is meaningless for an unguarded memory.
    vm[layout::VMCTX_BASE0 as usize / 8] = if guarded { memories[0].base() } else { 8 };
    vm[layout::VMCTX_MEM0 as usize / 8] = objects[0].as_ptr() as u64;
    for (word, object) in (MEMORIES_WORD as usize..).zip(&objects) {
        vm[word] = object.as_ptr() as u64;
    }

    for (memory, interpreted) in memories.iter_mut().zip(&interpreted) {
        let bytes = memory.bytes();
        bytes.copy_from_slice(&initial[..bytes.len()]);
        interpreted.data_mut(&mut store).copy_from_slice(bytes);
    }
    let value = 0x8091_a2b3_c4d5_e6f7_8899_aabb_ccdd_eeff;
    for (i, access) in accesses.iter().enumerate() {
        let func = instance.get_func(&store, &i.to_string()).unwrap();
        for &address in &access.addresses {
            let args = [to_val(index, address.into()), to_val(access.value, value)];
            let mut result = [to_val(access.result, 0)];
            let what =
                format!("{} at {address:#x}, guarded: {guarded}, spectre: {spectre}, {index}", access.text);
            match func.call(&mut store, &args, &mut result) {
                Ok(()) => {
                    assert_eq!(from_val(result[0]), native.call(i, &[address.into(), value], &vm), "{what}");
                    seen.results += 1;
                }
                Err(error) => {
                    assert_eq!(native.trap(i, &[address.into(), value], &vm), error.trap(), "{what}");
                    seen.traps += 1;
                }
            }
            for (memory, interpreted) in memories.iter_mut().zip(&interpreted) {
                assert!(memory.bytes() == interpreted.data(&store), "{what}");
            }
        }
    }
}
