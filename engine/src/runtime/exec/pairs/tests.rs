//! Each handler of several cells against the handlers of its cells.

use super::super::regs::{Backend, Regs, Tail, from_vector, handlers, to_vector};
use super::super::slow::{execution, need_stack, reload};
use super::super::{Dispatch, Stop, entry};
use super::*;
use crate::ops::cells::extension;
use crate::ops::{Field, layout};
use crate::runtime::store::StoreInner;
use crate::runtime::vmctx::{GlobalObj, VmCtx};
use crate::value::V128;
use crate::{AsContextMut, Engine, Instance, Module, Store};
use alloc::string::String;
use alloc::string::ToString;
use alloc::vec::Vec;
use std::cell::Cell as Place;

const MODULE: &str = "(module
    (memory (export \"memory\") 1)
    (global (export \"global\") (mut i32) (i32.const 0))
    (func $callee (export \"callee\") (local i64 i64 i64)))";

/// Slots that cells name; a frame's header is behind them.
const SLOTS: usize = 12;
const HEADER: usize = 20;
/// Where a callee's frame begins, and its header in it.
const CALLEE: usize = 32;
const FRAME: usize = 64;

/// Where execution ended, and with which registers.
type End = (usize, [u64; 3], [u8; 16], usize);

std::thread_local! {
    static ENDED: Place<Option<End>> = const { Place::new(None) };
}

handlers! {
    fn end<B>(mut r) {
        let floats = [r.acc, u64::from(r.f32.to_bits()), r.f64.to_bits()];
        ENDED.set(Some((r.ip as usize, floats, from_vector(r.v128).0, r.sp as usize)));
        B::stop()
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    /// Addresses, small numbers, and others.
    fn number(&mut self) -> u64 {
        let n = self.next();
        match self.below(4) {
            0 => n % 60_000,
            1 => n % 40,
            2 => n,
            _ => (n as f64 / 1e15).to_bits(),
        }
    }
}

/// A cell's words, with operands at random.
fn cell_of(op: Op, random: &mut Random, global: u32) -> Vec<u64> {
    let (fields, _) = layout(op);
    let name = op.to_string();
    let mut halves = [0u16; 4];
    for (n, kind) in fields.iter().enumerate() {
        halves[n] = match kind {
            Field::W | Field::W2 | Field::R | Field::R2 => random.below(SLOTS - 1) as u16,
            Field::X if name.starts_with("Return") => HEADER as u16,
            Field::X if name.starts_with("Call") => [CALLEE as u16, 0][n],
            // A lane.
            Field::X => random.below(2) as u16,
            Field::N | Field::T | Field::__ => 0,
        };
    }
    let low = halves.iter().rev().fold(0, |word, half| word << 16 | u64::from(*half));
    let is = |names: &[&str]| names.iter().any(|is| name.starts_with(is));
    let high = match fields[2] {
        Field::N if is(&["BrTable"]) => 2,
        Field::N if is(&["Call"]) => 0,
        Field::N if is(&["Global"]) => u64::from(global),
        Field::N => random.number() as u32 as u64 % 900 + 1,
        _ => 0,
    };
    let mut words = vec![u64::from(op.0), low | high << 32];
    for _ in 0..extension(op, words[1]) {
        words.push(random.number() | 1);
    }
    words
}

/// Cells in a row, the places where they may lead, and where each cell begins.
fn code(ops: &[Op], random: &mut Random, global: u32) -> Vec<u64> {
    let mut words = Vec::new();
    let mut starts = Vec::new();
    for &op in ops {
        starts.push(words.len());
        words.extend(cell_of(op, random, global));
    }
    let ends = words.len();
    for (&at, &op) in starts.iter().zip(ops) {
        let name = op.to_string();
        if name.starts_with("BrTable") {
            let near = u64::from(Tail::near(end::<Tail> as *const () as usize as u64)) << 32;
            (0..3).for_each(|n| words[at + 2 + n] = (ends + 2 * n - at) as u64 | near);
        } else if layout(op).0[2] == Field::T {
            words[at + 1] |= ((ends + 2 - at) as u64) << 32;
            // What a loop costs.
            if let Some(cost) = words[..ends].last_mut().filter(|_| name.contains("Back") || is_back(op)) {
                *cost = 7;
            }
        }
        words[at] = Dispatch::Tail.handler(op);
    }
    (0..3).for_each(|_| words.extend([end::<Tail> as *const () as usize as u64, 0]));
    words
}

/// Whether a comparison's branch leads back to a loop.
fn is_back(op: Op) -> bool {
    op.name().1 % 2 == 1
}

/// All that a row of cells does.
#[derive(PartialEq, Debug)]
struct Outcome {
    /// What stopped it, or where it ended and with which registers.
    ended: Result<Option<End>, String>,
    slice: i64,
    slots: Vec<u64>,
    memory: Vec<u8>,
    global: [u64; 2],
}

struct Guest {
    store: *mut StoreInner,
    vm: *mut VmCtx,
    base: *mut u64,
    global: u32,
}

impl Guest {
    /// Runs `words`, the first cell by `handler`, or its own one if that is 0.
    unsafe fn run(&self, words: &[u64], handler: usize, seed: u64) -> Outcome {
        let mut random = Random(seed);
        // SAFETY: the store is live, its execution's stack has room for the frame, and the cells name slots of it.
        unsafe {
            let mut r = Regs { ip: words.as_ptr(), sp: self.base, vm: self.vm, ..entry::idle() };
            reload(&mut r);
            let memory = core::slice::from_raw_parts_mut(r.mem, r.len as usize);
            let slots = core::slice::from_raw_parts_mut(self.base, FRAME);
            let global: *mut GlobalObj = VmCtx::pointer(self.vm, self.global);
            for bytes in memory.chunks_exact_mut(8) {
                bytes.copy_from_slice(&random.number().to_le_bytes());
            }
            slots.fill_with(|| random.number());
            slots[HEADER] = words[words.len() - 2..].as_ptr() as u64;
            slots[HEADER + 1] = self.base as u64;
            (*global).value = [random.number(), random.number()];
            r.acc = random.number();
            (r.f32, r.f64) = (f32::from_bits(random.number() as u32), f64::from_bits(random.number()));
            r.v128 = to_vector(V128::from(u128::from(random.number()) << 64 | 5));
            (*(*self.vm).store).slice = 1000;
            ENDED.set(None);
            execution(&mut *self.store).stop = Stop::Done;
            Tail::run_at(r, handler);
            let ended = match core::mem::replace(&mut execution(&mut *self.store).stop, Stop::Done) {
                Stop::Done => Ok(ENDED.get()),
                Stop::Error(error) => {
                    let at = execution(&mut *self.store).at;
                    Err(format!("{error} at {:?} in {:?}", at.ip, at.sp))
                }
                Stop::Panic(_) => unreachable!("no host function is called"),
            };
            Outcome {
                ended,
                slice: (*(*self.vm).store).slice,
                slots: slots.to_vec(),
                memory: memory.to_vec(),
                global: (*global).value,
            }
        }
    }
}

#[test]
fn handlers_of_several_cells_do_what_the_cells_do() {
    let engine = Engine::default();
    let module = Module::new(&engine, wat::parse_str(MODULE).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let callee = instance.get_typed_func::<(), ()>(&mut store, "callee").unwrap();
    callee.call(&mut store, ()).unwrap();
    let mut context = store.as_context_mut();
    let inner: *mut StoreInner = context.inner_mut();
    // SAFETY: the store lives to the end of the test, and nothing else uses it.
    let guest = unsafe {
        let vm = (*inner).funcs.iter().next().map(|func| (*func.as_ptr()).vm).unwrap();
        let base = execution(&mut *inner).top;
        need_stack(&mut *inner, base.add(2 * FRAME)).unwrap();
        let global = (*(*vm).instance).module.shared().layout.globals;
        Guest { store: inner, vm, base, global }
    };
    let (mut twos, mut threes, mut trapped) = (0, 0, 0);
    for (a, b, c, handler) in all() {
        let ops: Vec<Op> = [Some(a), Some(b), c].into_iter().flatten().collect();
        *if c.is_some() { &mut threes } else { &mut twos } += 1;
        for seed in 1..=8 {
            let mut random = Random(seed << 32 | u64::from(a.0) << 16 | u64::from(b.0));
            let words = code(&ops, &mut random, guest.global);
            let seed = random.next();
            // SAFETY: the cells name slots of the frame.
            let [one_by_one, at_once] =
                unsafe { [guest.run(&words, 0, seed), guest.run(&words, handler as usize, seed)] };
            assert_eq!(one_by_one.ended, at_once.ended, "{ops:?}, {seed}: {words:x?}");
            assert!(one_by_one == at_once, "{ops:?}, {seed}: {words:x?}");
            trapped += usize::from(one_by_one.ended.is_err());
        }
    }
    let runs = 8 * (twos + threes);
    std::println!("{twos} pairs and {threes} triples; {trapped} of {runs} rows have trapped");
    assert!(trapped > runs / 100 && trapped < runs / 2, "{trapped} of {runs} rows have trapped");
}
